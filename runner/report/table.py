"""The table of a comparison: a row a cell, mean ± standard deviation, the difference at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from runner.comparison.baseline import Baselines, datasets
from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.directions import direction
from runner.comparison.names import metric_title, short_names, value_text
from runner.comparison.statistics import Difference, Spread, spread

_GAP = 3
"""Characters between two columns."""

_LABEL_WIDTH = 24
"""Characters to which the name of a cell may be folded."""

_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Shown:
    """A table, and the figures that it has no room for."""

    table: Table
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    title: str
    entries: Sequence[Text]
    side: Literal["left", "right"] = "right"
    least: int | None = None
    """Characters to which it may be folded."""

    @property
    def width(self) -> int:
        """Characters that it takes, with the gap beside it."""
        if self.least is not None:
            return self.least + _GAP
        return max(len(self.title), *(len(entry) for entry in self.entries)) + _GAP


def comparison_table(
    comparison: Comparison,
    differences: Sequence[Difference],
    baselines: Baselines,
    *,
    width: int | None,
    ascii_only: bool,
) -> Shown:
    """Return the table for a terminal of some width, or of any (None).

    Figures that do not fit are left out from the end. The best mean of a figure is bold where it
    is known which way is better. The last column is of the first figure.
    """
    plus_minus = "+/-" if ascii_only else "±"
    settings = _settings(comparison)
    figures = [_figure(comparison, metric, plus_minus) for metric in comparison.metrics]
    against = _against(comparison, differences, baselines)
    shown = len(figures)
    if width is not None:
        room = width + _GAP - _width(against)
        if _width([*settings, *figures[:1]]) > room:
            settings = [_label(comparison)]
        while shown > 1 and _width([*settings, *figures[:shown]]) > room:
            shown -= 1
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for column in settings:
        table.add_column(
            Text(column.title), justify=column.side, overflow="fold", min_width=column.least
        )
    for column in (*figures[:shown], *against):
        table.add_column(Text(column.title), justify="right", no_wrap=True)
    columns = [*settings, *figures[:shown], *against]
    for row in zip(*(column.entries for column in columns), strict=True):
        table.add_row(*row)
    return Shown(table, comparison.metrics[shown:])


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns)


def _settings(comparison: Comparison) -> list[_Column]:
    """Return a column for each setting, and one for the number of seeds, or of pooled runs."""
    short = short_names(comparison.by)
    columns: list[_Column] = []
    for key in comparison.by:
        values = [configuration.settings[key] for configuration in comparison.configurations]
        numbers = all(value is None or isinstance(value, int | float) for value in values)
        entries = [Text(value_text(value)) for value in values]
        columns.append(_Column(short[key], entries, "right" if numbers else "left"))
    counted = [
        configuration.runs if comparison.pooled else configuration.seeds
        for configuration in comparison.configurations
    ]
    title = "runs" if comparison.pooled else "seeds"
    return [*columns, _Column(title, [Text(str(len(each))) for each in counted])]


def _label(comparison: Comparison) -> _Column:
    """Return all settings as one column that may be broken, where there is no room for several."""
    entries = [
        Text(configuration.label.replace("  ", ", ")) for configuration in comparison.configurations
    ]
    return _Column("cell", entries, "left", _LABEL_WIDTH)


def _figure(comparison: Comparison, metric: str, plus_minus: str) -> _Column:
    spreads = [spread(configuration, metric) for configuration in comparison.configurations]
    decimals = decimals_of([each for each in spreads if each is not None])
    words = [_words(each, decimals, plus_minus) for each in spreads]
    tail = max(len(second) for _, second in words)
    best = _best(comparison, metric, spreads)
    entries: list[Text] = []
    for place, (first, second) in enumerate(words):
        style = "bold" if place in best else ""
        entries.append(Text.assemble((first, style), (second.ljust(tail), "dim")))
    return _Column(metric_title(metric), entries)


def _words(each: Spread | None, decimals: int, plus_minus: str) -> tuple[str, str]:
    if each is None:
        return "-", ""
    second = "" if each.deviation is None else f" {plus_minus} {each.deviation:.{decimals}f}"
    return f"{each.mean:z.{decimals}f}", second


def decimals_of(spreads: Sequence[Spread]) -> int:
    """Return how many decimals say something: two digits of a typical standard deviation.

    Without any deviation, three digits of how far the means lie apart.
    """
    deviations = [each.deviation for each in spreads if each.deviation]
    means = [each.mean for each in spreads]
    if deviations:
        least = median(deviations) / 10
    else:
        apart = max(means) - min(means) if means else 0.0
        least = (apart or abs(means[0] if means else 0.0) or 1.0) / 100
    return min(_MOST_DECIMALS, max(0, -math.floor(math.log10(least))))


def _best(comparison: Comparison, metric: str, spreads: Sequence[Spread | None]) -> set[int]:
    """Return the rows of the best mean of each dataset, where one way is better."""
    sign = direction(metric)
    best: dict[tuple[str, ...], tuple[float, int]] = {}
    counts: dict[tuple[str, ...], int] = {}
    for place, (configuration, each) in enumerate(
        zip(comparison.configurations, spreads, strict=True)
    ):
        if each is not None and sign:
            data = datasets(configuration)
            counts[data] = counts.get(data, 0) + 1
            candidate = (sign * each.mean, -place)
            best[data] = max(best.get(data, candidate), candidate)
    return {-place for data, (_, place) in best.items() if counts[data] > 1}


def _against(
    comparison: Comparison, differences: Sequence[Difference], baselines: Baselines
) -> list[_Column]:
    """Return the column of differences of the first figure, or none where there are none."""
    main = comparison.metrics[0] if comparison.metrics else ""
    found = {id(each.first): each for each in differences if each.metric == main}
    if not found:
        return []
    decimals = decimals_of(
        [Spread(each.mean, _half_width(each), 1) for each in found.values() if each.seeds]
    )
    entries = [
        _difference(configuration, found.get(id(configuration)), baselines, decimals)
        for configuration in comparison.configurations
    ]
    return [_Column(f"{metric_title(main)}, difference", entries)]


def _half_width(each: Difference) -> float | None:
    return None if each.low is None or each.high is None else (each.high - each.low) / 2


def _difference(
    configuration: Configuration,
    each: Difference | None,
    baselines: Mapping[tuple[str, ...], Configuration],
    decimals: int,
) -> Text:
    if each is None:
        is_baseline = baselines.get(datasets(configuration)) is configuration
        return Text("baseline" if is_baseline else "-", "dim")
    if not each.seeds:
        return Text("no common seed", "dim")
    words = f"{each.mean:+z.{decimals}f}"
    if each.low is None or each.high is None:
        return Text.assemble(words, (f" (n = {len(each.seeds)})", "dim"))
    mark = "*" if each.excludes_zero else " "
    return Text.assemble(words, f" [{each.low:z.{decimals}f}, {each.high:z.{decimals}f}]", mark)
