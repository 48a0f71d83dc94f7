"""All figures of a comparison that make sense for its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure
from rich.console import Console

from runner.comparison.cells import Comparison
from runner.comparison.chosen import choose_runs
from runner.comparison.dot_plots import dot_plots
from runner.comparison.heat_maps import blocks, heat_map
from runner.comparison.information_panels import information_panels
from runner.comparison.knob_curves import knob_curves
from runner.comparison.names import short_names
from runner.comparison.rate_distortion import rate_distortion
from runner.comparison.series import family_key, main_knob

_MOST_METRICS = 12
_MOST_HEAT_MAPS = 6


def draw(comparison: Comparison, console: Console) -> Mapping[str, Figure]:
    """Return the figures by the names of their files; what is left out is said on the console."""
    return dict(_figures(comparison, console))


def _figures(comparison: Comparison, console: Console) -> Iterator[tuple[str, Figure]]:
    metrics = comparison.metrics[:_MOST_METRICS]
    if len(metrics) < len(comparison.metrics):
        _say(console, f"show the first {len(metrics)} of {len(comparison.metrics)} metrics")
    figure = rate_distortion(comparison)
    if figure is not None:
        yield "rate_distortion", figure
    knob = main_knob(comparison)
    figure = knob_curves(comparison, metrics) if knob else dot_plots(comparison, metrics)
    setting = knob or family_key(comparison)
    if figure is not None and setting is not None:
        name = short_names(comparison.by)[setting].replace(".", "_")
        yield f"metric_against_{name}", figure
    yield from _heat_maps(comparison, metrics, console)
    yield from _of_models(comparison, console)


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


def _of_models(comparison: Comparison, console: Console) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a few models of each dataset."""
    from runner.comparison.traversal_board import traversal_board
    from runner.comparison.traversed import traverse_runs  # this takes torch, and the datasets

    chosen = choose_runs(comparison)
    for dataset, runs in chosen.items():
        ending = f"_{dataset.replace(' ', '')}" if len(chosen) > 1 else ""
        traversed = traverse_runs(runs, console)
        if traversed:
            yield f"traversals{ending}", traversal_board(traversed)
        figure = information_panels(runs)
        if figure is not None:
            yield f"information{ending}", figure


def _say(console: Console, words: str) -> None:
    console.print(f"[dim]{'figures':>12}[/]  {words}", highlight=False)
