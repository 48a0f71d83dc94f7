"""Figures over two settings at once: a table whose cells are coloured by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
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
from runner.comparison.statistics import spread
from runner.figures import chart
from runner.figures.style import LINE, QUIET, TEXT, page, place, text_width, write_ticks
from runner.metric.quantities import quantity

_HEIGHT = 44
"""Of a cell, which holds two lines of text."""

_BOTTOM = 40
"""Room below a panel for the values and the name of a setting."""

_WIDEST = 1050
"""Up to where panels stand beside each other."""

_DARK = 0.7
"""Share of the scale from where words are white."""


@dataclass(frozen=True)
class Block:
    """Cells that differ in two settings alone."""

    name: str
    dataset: str
    across: str
    """The setting along the x axis."""
    up: str
    configurations: tuple[Configuration, ...]


def blocks(comparison: Comparison) -> list[Block]:
    """Return the parts of a comparison, each of an objective and a dataset, that are a grid."""
    return [
        grid
        for dataset, configurations in by_dataset(comparison).items()
        for members in families(comparison, configurations).values()
        for grid in _grids(members, dataset, comparison)
    ]


def _grids(
    configurations: Sequence[Configuration], dataset: str, comparison: Comparison
) -> list[Block]:
    """Return the grids of the cells of one family, one for each value of what else varies."""
    by, key = comparison.by, family_key(comparison)
    pair = [name for name in numeric_settings(configurations, by) if name != key][:2]
    if len(pair) < 2:
        return []
    named = [
        name for name in distinguishing_settings(comparison, configurations) if name not in pair
    ]
    parts: dict[str, list[Configuration]] = {}
    for configuration in configurations:
        parts.setdefault(name_of(configuration, by, named), []).append(configuration)
    return [
        Block(name, dataset, pair[0], pair[1], tuple(part))
        for name, part in parts.items()
        if len(numeric_settings(part, pair)) == 2
    ]


def heat_map(block: Block, by: Sequence[str], metrics: Sequence[str]) -> Figure | None:
    """Return a panel per figure with mean and deviation over seeds of every pair of settings.

    The darker, the more. Pairs without a run are hatched. None where no run has a figure.
    """
    metrics = [
        metric for metric in metrics if chart.configurations_with(block.configurations, metric)
    ]
    if not metrics:
        return None
    texts = {metric: _texts(block.configurations, metric) for metric in metrics}
    words = [line for each in texts.values() for text in each.values() for line in text.split("\n")]
    cell_width = max(60, text_width(max(words, key=len)) + 18)
    columns, rows = (
        _values(block.configurations, block.across),
        _values(block.configurations, block.up),
    )
    size = (len(columns) * cell_width, len(rows) * _HEIGHT)
    titles = [quantity(metric).short_with_unit for metric in metrics]
    left = text_width(hyperparameter_title(by, block.up)) + text_width(*map(value_text, rows)) + 30
    pitch_x = left + max(size[0], text_width(*titles)) + 12
    pitch_y = chart.TITLE + size[1] + _BOTTOM + 10
    per_row = min(len(metrics), max(1, round(_WIDEST // pitch_x)))
    figure = page(per_row * pitch_x, LINE + 10 + -(-len(metrics) // per_row) * pitch_y)
    chart.write(figure, left, 6, f"{block.dataset}  {block.name}".strip(), weight="bold")
    for i, metric in enumerate(metrics):
        x = i % per_row * pitch_x + left
        y = LINE + 10 + i // per_row * pitch_y + chart.TITLE
        axes = place(figure, (x, y, *size))
        axes.set_title(titles[i], loc="left", y=1, pad=6, **TEXT)
        _draw(axes, block, metric, texts[metric])
        axes.set_xlabel(hyperparameter_title(by, block.across), labelpad=2, **TEXT)
        axes.set_ylabel(hyperparameter_title(by, block.up), rotation=0, va="center", **TEXT)
        axes.yaxis.set_label_coords((8 - left) / size[0], 0.5)
        axes.yaxis.label.set_horizontalalignment("left")
    return figure


def _values(configurations: Sequence[Configuration], setting: str) -> list[float]:
    """Return the values of a setting in order; cells without one are not part of a grid."""
    values = {configuration.settings[setting] for configuration in configurations}
    return sorted(value for value in values if value is not None)


def _texts(configurations: Sequence[Configuration], metric: str) -> dict[int, str]:
    """Return what is written in each cell, by the cell's id."""
    found = {id(configuration): spread(configuration, metric) for configuration in configurations}
    known = {key: each for key, each in found.items() if each is not None}
    places = chart.decimals([each.mean for each in known.values()])
    spreads = [each.deviation for each in known.values() if each.deviation]
    if spreads:  # which need a digit, but not many more than the means
        places = max(places, min(places + 1, chart.decimals([0, 100 * float(np.median(spreads))])))
    texts = {key: chart.written(each.mean, places) for key, each in known.items()}
    for key, each in known.items():
        if each.deviation is not None:
            texts[key] += f"\n\N{PLUS-MINUS SIGN} {chart.written(each.deviation, places)}"
    return texts


def _draw(axes: Axes, block: Block, metric: str, texts: Mapping[int, str]) -> None:
    """Draw one panel."""
    columns, rows = (
        _values(block.configurations, block.across),
        _values(block.configurations, block.up),
    )
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-0.5, len(rows) - 0.5))
    places = {
        (
            columns.index(configuration.settings[block.across]),
            rows.index(configuration.settings[block.up]),
        ): configuration
        for configuration in block.configurations
        if configuration.settings[block.across] in columns
        and configuration.settings[block.up] in rows
    }
    known = {
        place: configuration
        for place, configuration in places.items()
        if id(configuration) in texts
    }
    means = {
        place: float(configuration.values(metric).mean()) for place, configuration in known.items()
    }
    scale = Normalize(min(means.values()), max(means.values()) or 1)
    colours = matplotlib.colormaps["Blues"]
    for x, y in np.ndindex(len(columns), len(rows)):
        box = Rectangle((x - 0.5, y - 0.5), 1, 1, edgecolor="white", linewidth=1.5)
        axes.add_patch(box)
        if (x, y) not in known:
            box.set(facecolor="none", edgecolor="#d4d4d4", hatch="////", linewidth=0)
            continue
        share = float(scale(means[x, y]))
        box.set_facecolor(colours(0.08 + 0.8 * share))
        style = {**TEXT, "color": "white"} if share > _DARK else TEXT
        axes.text(x, y, texts[id(known[x, y])], ha="center", va="center", linespacing=1.3, **style)
    write_ticks(axes, "bottom", range(len(columns)), [value_text(value) for value in columns])
    write_ticks(axes, "left", range(len(rows)), [value_text(value) for value in rows])
    axes.tick_params(color=QUIET)
