"""The history of a search: the metric run by run, and against each parameter that was searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from runner.figures.numbers import short_number
from runner.figures.style import ACCENT, QUIET, fit, new_figure, styled

_WIDTH = 230
_HEIGHT = 170
_MOST_PARAMETERS = 8
_MOST_COLUMNS = 3
_MARKS = {"pruned": "x", "diverged": "v", "failed": "s"}


@dataclass(frozen=True)
class Parameter:
    """A parameter that was searched, and its value in every run that ended."""

    name: str
    values: Sequence[str | float]
    is_logarithmic: bool = False


@dataclass(frozen=True)
class History:
    """Runs of a search that have ended, in the order in which they were begun."""

    metric: str
    maximized: bool
    runs: Sequence[int]
    states: Sequence[str]
    values: Sequence[float | None]
    parameters: Sequence[Parameter]


@styled()
def search_history(history: History) -> Figure | None:
    """Return the figure of a search, or None where fewer than two runs have a value."""
    valued = [value for value in history.values if value is not None]
    if len(valued) < 2:
        return None
    shown = history.parameters[:_MOST_PARAMETERS]
    columns = min(_MOST_COLUMNS, 1 + len(shown))
    rows = -(-(1 + len(shown)) // columns)
    figure, grid = new_figure([_HEIGHT] * rows, [_WIDTH] * columns)
    panels = [figure.add_subplot(grid[i // columns, i % columns]) for i in range(1 + len(shown))]
    _draw_runs(panels[0], history)
    for axes, parameter in zip(panels[1:], shown, strict=True):
        _draw_parameter(axes, history, parameter)
    for place, axes in enumerate(panels):
        axes.set_ylim(*sorted(_ends(valued, maximized=history.maximized)))
        axes.tick_params(labelleft=place % columns == 0)
    return fit(figure, grid)


def _ends(valued: Sequence[float], *, maximized: bool) -> tuple[float, float]:
    """Return the worse and the better end of the axis of the metric.

    Beyond the worst value is room for the marks of runs without one.
    """
    low, high = min(valued), max(valued)
    room = 0.08 * (high - low) or 1.0
    return (low - 2 * room, high + room) if maximized else (high + 2 * room, low - room)


def _draw_runs(axes: Axes, history: History) -> None:
    pairs = [(n, v) for n, v in zip(history.runs, history.values, strict=True) if v is not None]
    numbers, values = zip(*pairs, strict=True)
    best = [*accumulate(values, max if history.maximized else min)]
    axes.step(numbers, best, where="post", color=ACCENT, label="best so far")
    axes.plot(numbers, values, "o", color=QUIET, label="run")
    worst, _ = _ends(values, maximized=history.maximized)
    for state, mark in _MARKS.items():
        runs = [n for n, found in zip(history.runs, history.states, strict=True) if found == state]
        if runs:
            places = [worst] * len(runs)
            marks = axes.plot(runs, places, mark, markersize=5, color=QUIET, label=state)
            for each in marks:
                each.set(clip_on=False, markeredgecolor=QUIET)
    axes.set(xlabel="run", ylabel=history.metric)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.02), ncols=2, borderaxespad=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _scale_by_logarithm(axes: Axes, ratio: float) -> None:
    """Give the x axis a logarithmic scale, with plain numbers at a few ticks."""
    axes.set_xscale("log")
    within = (1.0,) if ratio > 30 else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=within, numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _plain(value: float, _: object) -> str:
    return short_number(value)


def _draw_parameter(axes: Axes, history: History, parameter: Parameter) -> None:
    pairs = [
        (each, value)
        for each, value in zip(parameter.values, history.values, strict=True)
        if value is not None
    ]
    if any(isinstance(each, str) for each, _ in pairs):
        names = list(dict.fromkeys(str(each) for each in parameter.values))
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        places: list[float] = [names.index(str(each)) for each, _ in pairs]
    else:
        places = [float(each) for each, _ in pairs]
        if parameter.is_logarithmic and min(places) > 0:
            _scale_by_logarithm(axes, max(places) / min(places))
    values = [value for _, value in pairs]
    axes.plot(places, values, "o", color=QUIET)
    best = values.index((max if history.maximized else min)(values))
    axes.plot([places[best]], [values[best]], "o", color=ACCENT)
    axes.set(xlabel=parameter.name)
