"""The final figures of one run as tables: ELBO and terms, variables, groups, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from runner.metric.number_table import number_table
from runner.metric.number_text import decimal_text
from runner.metric.quantities import quantity, shown_in

_MOST_ROWS = 20
"""Variables and groups of a table; ``summary.json`` has all of them."""

_VARIABLE = "information/variable/"
_GROUP = "information/group/"

Metrics = Mapping[str, float]


def figure_tables(metrics: Metrics) -> Iterator[Table]:
    """Yield the tables of what a run has, all but the scores in nats."""
    for table in (_terms(metrics), _variables(metrics), _groups(metrics), _scores(metrics)):
        if table.row_count:
            yield table


def is_main(name: str) -> bool:
    """Return whether a figure is one to compare runs by, and not a detail of another."""
    return quantity(name).better is not None or quantity(name).column is not None


def _terms(metrics: Metrics) -> Table:
    table = number_table("quantity", "nats")
    for each in shown_in("summary"):
        if each.name in metrics and not each.name.startswith("scores/"):
            style = "bold" if each.name == "elbo" else ""
            table.add_row(each.title, decimal_text(metrics[each.name]), style=style)
    return table


def _variables(metrics: Metrics) -> Table:
    names = [name.removeprefix(_VARIABLE) for name in metrics if name.startswith(_VARIABLE)]
    names.sort(key=lambda name: -metrics[_VARIABLE + name])
    table = number_table("variable", "I(x; z)", "rate")
    for name in names[:_MOST_ROWS]:
        rate = metrics.get(f"information/rate/{name}")
        table.add_row(Text(name), decimal_text(metrics[_VARIABLE + name]), decimal_text(rate))
    return _cut(table, len(names))


def _groups(metrics: Metrics) -> Table:
    """Return I(x; z) of each group, and what it has of the factor that it knows most of."""
    names = [name.removeprefix(_GROUP) for name in metrics if name.startswith(_GROUP)]
    table = number_table("group", "I(x; z)", "most of a factor", "I(factor; z)")
    for name in names[:_MOST_ROWS]:
        start = f"information/factor/{name}/"
        factors = {key.removeprefix(start): v for key, v in metrics.items() if start in key}
        best = max(factors, key=lambda factor: factors[factor], default=None)
        known = ("-", "-") if best is None else (best, decimal_text(factors[best]))
        table.add_row(Text(name), decimal_text(metrics[_GROUP + name]), Text(known[0]), known[1])
    return _cut(table, len(names))


def _scores(metrics: Metrics) -> Table:
    table = number_table("score", "value")
    for name in metrics:
        if name.startswith(("scores/", "distances/")) and is_main(name):
            table.add_row(Text(quantity(name).short), decimal_text(metrics[name]))
    return table


def _cut(table: Table, count: int) -> Table:
    if count > _MOST_ROWS:
        table.add_row(Text(f"and {count - _MOST_ROWS:,} more", "dim"))
    return table
