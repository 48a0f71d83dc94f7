"""Metrics over two hyperparameters at once: a table for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import (
    by_dataset,
    distinguishing_settings,
    families,
    family_key,
    hyperparameter_title,
    name_of,
    numeric_settings,
)
from runner.comparison.names import value_text
from runner.comparison.statistics import decimals_of, spread
from runner.figures.metric_panels import UPWARDS, panel_title, with_metrics
from runner.figures.numbers import number
from runner.figures.page import room
from runner.figures.style import fit, new_figure, styled, text_width
from runner.figures.tables import Table, draw_table

_HEIGHT = 44
"""Of a field, which holds two lines of text."""

_LEAST = 180
"""Least width of a panel, so that its title fits."""

_WIDEST = 800
"""Up to where panels stand beside each other."""


@dataclass(frozen=True)
class Block:
    """Configurations that differ in two hyperparameters alone."""

    name: str
    dataset: str
    across: str
    """The setting along the x axis."""
    up: str
    configurations: tuple[Configuration, ...]

    def values(self, setting: str) -> list[float]:
        """Return the values of a setting in order."""
        found = {configuration.settings[setting] for configuration in self.configurations}
        return sorted(value for value in found if value is not None)


def blocks(comparison: Comparison) -> list[Block]:
    """Return the parts of a comparison, each of an objective and a dataset, that are a grid."""
    return [
        grid
        for dataset, configurations in by_dataset(comparison).items()
        for members in families(comparison, configurations).values()
        for grid in _grids(members, dataset, comparison)
    ]


def fields(block: Block) -> int:
    """Return how many pairs of values there are, with a run or without."""
    return len(block.values(block.across)) * len(block.values(block.up))


def _grids(
    configurations: Sequence[Configuration], dataset: str, comparison: Comparison
) -> list[Block]:
    """Return the grids of one family's configurations, one for each value of what else varies."""
    by, key = comparison.by, family_key(comparison)
    pair = [name for name in numeric_settings(configurations, by) if name != key][:2]
    if len(pair) < 2:
        return []
    settings = distinguishing_settings(comparison, configurations)
    named = [name for name in settings if name not in pair]
    parts: dict[str, list[Configuration]] = {}
    for configuration in configurations:
        parts.setdefault(name_of(configuration, by, named), []).append(configuration)
    return [
        Block(name, dataset, pair[0], pair[1], tuple(part))
        for name, part in parts.items()
        if len(numeric_settings(part, pair)) == 2
    ]


@styled()
def heat_map(block: Block, by: Sequence[str], metrics: Sequence[str]) -> Figure | None:
    """Return a panel per metric with mean and deviation over runs of every pair of values.

    The darker, the more. Pairs without a run are hatched. None where no run has a metric.
    """
    metrics = [metric for metric in metrics if with_metrics(block.configurations, metric)]
    if not metrics:
        return None
    texts = {metric: _texts(block.configurations, metric) for metric in metrics}
    lines = [line for each in texts.values() for text in each.values() for line in text.split("\n")]
    columns, rows = (len(block.values(setting)) for setting in (block.across, block.up))
    width = max(columns * max(60, text_width(max(lines, key=len)) + 18), _LEAST)
    per_row = min(
        len(metrics),
        max(1, round(room(_WIDEST) / width) if room(0) == 0 else int(room(0) / (width + 70))),
    )
    figure, grid = new_figure(
        [rows * _HEIGHT] * -(-len(metrics) // per_row), [round(width)] * per_row
    )
    for i, metric in enumerate(metrics):
        axes = figure.add_subplot(grid[i // per_row, i % per_row])
        axes.set_title(panel_title(metric, UPWARDS, width))
        _draw(axes, block, metric, texts[metric])
        axes.set_xlabel(hyperparameter_title(by, block.across))
        axes.set_ylabel(hyperparameter_title(by, block.up), rotation=0, ha="right", va="center")
    title = f"{block.dataset}  {block.name}".strip()
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    return fit(figure, grid)


def _texts(configurations: Sequence[Configuration], metric: str) -> dict[int, str]:
    """Return what is written in each field, by the id of its configuration."""
    found = {id(configuration): spread(configuration, metric) for configuration in configurations}
    known = {key: each for key, each in found.items() if each is not None}
    decimals = decimals_of(list(known.values()))
    texts = {key: number(each.mean, decimals) for key, each in known.items()}
    for key, each in known.items():
        if each.deviation is not None:
            texts[key] += f"\n\N{PLUS-MINUS SIGN} {number(each.deviation, decimals)}"
    return texts


def _draw(axes: Axes, block: Block, metric: str, texts: Mapping[int, str]) -> None:
    """Draw one panel."""
    columns, rows = block.values(block.across), block.values(block.up)
    means_IJ = np.full((len(rows), len(columns)), np.nan)
    written = [[""] * len(columns) for _ in rows]
    for configuration in block.configurations:
        x, y = (configuration.settings[setting] for setting in (block.across, block.up))
        if id(configuration) in texts and x in columns and y in rows:
            i, j = rows.index(y), columns.index(x)
            means_IJ[i, j] = configuration.values(metric).mean()
            written[i][j] = texts[id(configuration)]
    low, high = float(np.nanmin(means_IJ)), float(np.nanmax(means_IJ))
    reach = high - low or 1
    names = [[value_text(value) for value in values] for values in (rows, columns)]
    # The palest field is not white, and the darkest not so dark that its text is hard to read.
    table = Table(means_IJ, written, *names)
    draw_table(axes, table, low - 0.1 * reach, high + 0.15 * reach)
    for i, j in np.argwhere(np.isnan(means_IJ)):
        gap = Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor="none", edgecolor="#d4d4d4")
        axes.add_patch(gap).set(hatch="////", linewidth=0)
    axes.invert_yaxis()  # the larger a value, the higher it stands
