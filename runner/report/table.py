"""The table of a comparison in the terminal: a row per configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text

from runner.comparison.baseline import Baselines
from runner.comparison.best import best_of
from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import short_names, value_text
from runner.comparison.statistics import Difference, Spread, decimals_of, spread
from runner.metric.number_table import bare_table
from runner.metric.number_text import number_text
from runner.metric.quantities import quantity

_GAP = 3
"""Characters between two columns."""

_LABEL_WIDTH = 24
"""Width to which the label of a configuration may be folded, in characters."""


@dataclass(frozen=True)
class Shown:
    """A table, and the metrics that it has no room for."""

    table: Table
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    title: str
    entries: Sequence[Text]
    side: Literal["left", "right"] = "right"
    least: int | None = None
    """Width to which the entries may be folded, in characters; None: they are not."""

    @property
    def width(self) -> int:
        """Width in characters, with the gap to the next column."""
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
    """Return the table: settings, mean ± standard deviation of each metric, and differences.

    Of a single run it is its own figure ± its standard error. The best mean of a metric is bold
    where one direction is better. The last column holds the differences of the first metric from
    the baseline.

    Args:
        comparison: the configurations and metrics.
        differences: of all metrics, from the baselines.
        baselines: the baseline of each dataset.
        width: of the terminal; metrics that do not fit are dropped from the end. None: unlimited.
        ascii_only: whether the terminal has no ``±``.
    """
    plus_minus = "+/-" if ascii_only else "±"
    settings = _settings(comparison)
    columns = [_metric(comparison, metric, plus_minus) for metric in comparison.metrics]
    against = _against(comparison, differences, baselines)
    shown = len(columns)
    if width is not None:
        room = width + _GAP - _width(against)
        if _width([*settings, *columns[:1]]) > room:
            settings = [_label(comparison)]
        while shown > 1 and _width([*settings, *columns[:shown]]) > room:
            shown -= 1
    table = bare_table()
    for column in settings:
        table.add_column(
            Text(column.title), justify=column.side, overflow="fold", min_width=column.least
        )
    for column in (*columns[:shown], *against):
        table.add_column(Text(column.title), justify="right", no_wrap=True)
    every = [*settings, *columns[:shown], *against]
    for row in zip(*(column.entries for column in every), strict=True):
        table.add_row(*row)
    return Shown(table, comparison.metrics[shown:])


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns)


def _settings(comparison: Comparison) -> list[_Column]:
    """Return a column per setting, and one for the number of seeds, or of runs where pooled."""
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
    """Return all settings as one column that may be folded."""
    entries = [
        Text(configuration.label.replace("  ", ", ")) for configuration in comparison.configurations
    ]
    return _Column("configuration", entries, "left", _LABEL_WIDTH)


def _metric(comparison: Comparison, metric: str, plus_minus: str) -> _Column:
    spreads = [spread(configuration, metric) for configuration in comparison.configurations]
    decimals = decimals_of([each for each in spreads if each is not None])
    texts = [_mean_and_deviation(each, decimals, plus_minus) for each in spreads]
    tail = max(len(deviation) for _, deviation in texts)
    best = best_of(comparison.configurations, metric)
    entries: list[Text] = []
    for i, (mean, deviation) in enumerate(texts):
        style = "bold" if i in best else ""
        entries.append(Text.assemble((mean, style), (deviation.ljust(tail), "dim")))
    return _Column(quantity(metric).short, entries)


def _mean_and_deviation(each: Spread | None, decimals: int, plus_minus: str) -> tuple[str, str]:
    if each is None:
        return "-", ""
    deviation = "" if each.uncertainty is None else number_text(each.uncertainty, decimals)
    return number_text(each.mean, decimals), deviation and f" {plus_minus} {deviation}"


def _against(
    comparison: Comparison, differences: Sequence[Difference], baselines: Baselines
) -> list[_Column]:
    """Return the column of differences of the first metric; empty without any difference."""
    main = comparison.metrics[0] if comparison.metrics else ""
    found = {id(each.first): each for each in differences if each.metric == main}
    if not found:
        return []
    decimals = decimals_of([each.spread for each in found.values() if each.seeds])
    entries = [
        _difference(configuration, found.get(id(configuration)), baselines, decimals)
        for configuration in comparison.configurations
    ]
    return [_Column(f"{quantity(main).short}, difference", entries)]


def _difference(
    configuration: Configuration,
    each: Difference | None,
    baselines: Mapping[tuple[str, ...], Configuration],
    decimals: int,
) -> Text:
    if each is None:
        is_baseline = baselines.get(configuration.datasets) is configuration
        return Text("baseline" if is_baseline else "-", "dim")
    if not each.seeds:
        return Text("no common seed", "dim")
    mean = number_text(each.mean, decimals, signed=True)
    if each.low is None or each.high is None:
        return Text.assemble(mean, (f" (n = {len(each.seeds)})", "dim"))
    low, high = number_text(each.low, decimals), number_text(each.high, decimals)
    return Text.assemble(mean, f" [{low}, {high}]", "*" if each.excludes_zero else " ")
