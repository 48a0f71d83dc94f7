"""All figures of a comparison that make sense for its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from rich.console import Console

from runner.comparison.configurations import Comparison
from runner.comparison.grouping import family_key, main_hyperparameter
from runner.comparison.names import short_names
from runner.comparison.representatives import RepresentativeRun, choose_runs
from runner.figures.dot_plots import dot_plots
from runner.figures.heat_maps import blocks, heat_map
from runner.figures.information_of_runs import information_panels
from runner.figures.metric_curves import metric_curves
from runner.figures.rate_distortion import rate_distortion

if TYPE_CHECKING:
    from runner.evaluation.traversal_rows import Traversal

_MOST_METRICS = 12
_MOST_HEAT_MAPS = 6


Traverse = Callable[[Sequence[RepresentativeRun]], Sequence["Traversal"]]
"""Opens runs of one dataset and returns the traversals of those that could be opened."""


def draw(comparison: Comparison, console: Console, traverse: Traverse) -> Mapping[str, Figure]:
    """Return the figures by the names of their files; what is left out is said on the console."""
    return dict(_figures(comparison, console, traverse))


def _figures(
    comparison: Comparison, console: Console, traverse: Traverse
) -> Iterator[tuple[str, Figure]]:
    metrics = comparison.metrics[:_MOST_METRICS]
    if len(metrics) < len(comparison.metrics):
        _say(console, f"show the first {len(metrics)} of {len(comparison.metrics)} metrics")
    figure = rate_distortion(comparison)
    if figure is not None:
        yield "rate_distortion", figure
    hyperparameter = main_hyperparameter(comparison)
    figure = (
        metric_curves(comparison, metrics) if hyperparameter else dot_plots(comparison, metrics)
    )
    setting = hyperparameter or family_key(comparison)
    if figure is not None and setting is not None:
        name = short_names(comparison.by)[setting].replace(".", "_")
        yield f"metric_against_{name}", figure
    yield from _heat_maps(comparison, metrics, console)
    yield from _of_models(comparison, traverse)


def _heat_maps(
    comparison: Comparison, metrics: tuple[str, ...], console: Console
) -> Iterator[tuple[str, Figure]]:
    grids = blocks(comparison)
    if len(grids) > _MOST_HEAT_MAPS:
        _say(console, f"show the first {_MOST_HEAT_MAPS} of {len(grids)} heat maps")
    for i, grid in enumerate(grids[:_MOST_HEAT_MAPS]):
        figure = heat_map(grid, comparison.by, metrics)
        if figure is not None:
            yield "heat_map" if len(grids) == 1 else f"heat_map_{i + 1}", figure


def _of_models(comparison: Comparison, traverse: Traverse) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a few models of each dataset."""
    from runner.figures.traversals_of_runs import traversal_board  # this imports torch

    chosen = choose_runs(comparison)
    for dataset, runs in chosen.items():
        ending = f"_{dataset.replace(' ', '')}" if len(chosen) > 1 else ""
        if found := traverse(runs):
            yield f"traversals{ending}", traversal_board(found)
        figure = information_panels(runs)
        if figure is not None:
            yield f"information{ending}", figure


def _say(console: Console, words: str) -> None:
    console.print(f"[dim]{'figures':>12}[/]  {words}", highlight=False)
