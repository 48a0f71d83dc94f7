"""The settings of a run of a grid, as its worker composes them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from runner.config import RunConfig
from runner.config.composition import compose
from runner.grid.folder import GridFolder
from runner.grid.labels import names_of


def composed(grid: GridFolder, number: int, places: tuple[str, ...]) -> tuple[RunConfig, Path, str]:
    """Return the settings of a run, its folder, and the text of ``config_unresolved.yaml``.

    The settings that distinguish the run from the others of its grid are added to its name.
    """
    of_grid = [f"sweep_name={grid.name}"] if grid.name else []
    composition = compose([*of_grid, *grid.runs[number], *places])
    config = composition.parse()
    named = replace(config, name=f"{config.name} {_names(grid)[number]}".rstrip())
    return named, grid.run_path(number), composition.to_yaml()


def of_places(places: tuple[str, ...]) -> list[str]:
    """Return the overrides with which a run that has settings goes on."""
    return [place for place in places if not place.startswith("hydra.")]


@lru_cache(maxsize=1)
def _names(grid: GridFolder) -> list[str]:
    """Return the suffix of each run's name; computed once per grid."""
    return names_of(grid)
