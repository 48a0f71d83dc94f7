"""The picture of a search, ``figures/search.png`` in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.grid.folder import GridFolder
from runner.grid.search import Outcome
from runner.grid.space import Search
from runner.store.run_folder import RunFolder
from runner.store.shown_text import escaped

if TYPE_CHECKING:
    from runner.figures.search_history import History

_NAME = "search"


def draw_search(grid: GridFolder, search: Search, found: Mapping[int, Outcome]) -> Path | None:
    """Write the picture, and return where it is; None where too few runs have a value."""
    from runner.figures.search_history import search_history  # matplotlib is slow to import

    figure = search_history(_history(grid, search, found))
    return None if figure is None else RunFolder(grid.path).write_figure(_NAME, figure)


def _history(grid: GridFolder, search: Search, found: Mapping[int, Outcome]) -> History:
    from runner.figures.search_history import History, Parameter

    ended = {number: each for number, each in found.items() if each.state.settled}
    settings = [dict(each.split("=", 1) for each in grid.runs[number]) for number in ended]
    return History(
        metric=search.metric.name,
        maximized=search.metric.goal == "maximize",
        runs=list(ended),
        states=[each.state.state for each in ended.values()],
        values=[each.value for each in ended.values()],
        parameters=[
            Parameter(
                escaped(each.name),
                [_number(run[each.name], is_choice=bool(each.values)) for run in settings],
                is_logarithmic=each.is_logarithmic,
            )
            for each in search.searched
        ],
    )


def _number(text: str, *, is_choice: bool) -> str | float:
    if not is_choice:
        with suppress(ValueError):
            return float(text)
    return escaped(text)
