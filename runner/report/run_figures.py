"""The final figures of one run as tables: ELBO and terms, variables, groups, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from runner.metric.number_table import number_table
from runner.metric.number_text import plus_minus, with_error
from runner.metric.quantities import TRAINING_ESTIMATE, quantity, shown_in

_MOST_ROWS = 20
"""Variables and groups of a table; ``summary.json`` has all of them."""

_VARIABLE = "information/variable/"
_GROUP = "information/group/"

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Figures:
    """The figures of a run by name, their standard errors, and the sign that goes before these."""

    metrics: Metrics
    errors: Metrics
    sign: str

    def text(self, name: str) -> str:
        """Return a figure with its standard error, or a hyphen."""
        return with_error(self.metrics.get(name), self.errors.get(name), self.sign)


def figure_tables(metrics: Metrics, errors: Metrics, *, ascii_only: bool) -> Iterator[Table]:
    """Yield the tables of what a run has, all but the scores in nats."""
    figures = Figures(metrics, errors, plus_minus(ascii_only=ascii_only))
    for table in (_terms(figures), _variables(figures), _groups(figures), _scores(figures)):
        if table.row_count:
            yield table


def is_main(name: str) -> bool:
    """Return whether a figure is one to compare runs by, and not a detail of another."""
    return quantity(name).better is not None or quantity(name).column is not None


def _terms(figures: Figures) -> Table:
    """Return a row per figure, with what the estimate of training says of it in a column."""
    has_training = any(name.startswith(TRAINING_ESTIMATE) for name in figures.metrics)
    heads = ["evaluation", "training estimate"] if has_training else ["nats"]
    table = number_table("quantity", *heads)
    for each in shown_in("summary"):
        if each.name in figures.metrics and not each.name.startswith("scores/"):
            cells = [figures.text(each.name)]
            if has_training:
                name = f"{TRAINING_ESTIMATE}{each.name}"
                cells.append(figures.text(name) if name in figures.metrics else "")
            table.add_row(each.title, *cells, style="bold" if each.name == "elbo" else "")
    return table


def _variables(figures: Figures) -> Table:
    metrics = figures.metrics
    names = [name.removeprefix(_VARIABLE) for name in metrics if name.startswith(_VARIABLE)]
    names.sort(key=lambda name: -metrics[_VARIABLE + name])
    table = number_table("variable", "I(x; z)", "rate")
    for name in names[:_MOST_ROWS]:
        rate = figures.text(f"information/rate/{name}")
        table.add_row(Text(name), figures.text(_VARIABLE + name), rate)
    return _cut(table, len(names))


def _groups(figures: Figures) -> Table:
    """Return I(x; z) of each group, and what it has of the factor that it knows most of."""
    metrics = figures.metrics
    names = [name.removeprefix(_GROUP) for name in metrics if name.startswith(_GROUP)]
    table = number_table("group", "I(x; z)", "most of a factor", "I(factor; z)")
    for name in names[:_MOST_ROWS]:
        start = f"information/factor/{name}/"
        factors = {key.removeprefix(start): v for key, v in metrics.items() if start in key}
        best = max(factors, key=lambda factor: factors[factor], default=None)
        known = ("-", "-") if best is None else (best, figures.text(start + best))
        table.add_row(Text(name), figures.text(_GROUP + name), Text(known[0]), known[1])
    return _cut(table, len(names))


def _scores(figures: Figures) -> Table:
    table = number_table("score", "value")
    for name in figures.metrics:
        if name.startswith(("scores/", "distances/")) and is_main(name):
            table.add_row(Text(quantity(name).short), figures.text(name))
    return table


def _cut(table: Table, count: int) -> Table:
    if count > _MOST_ROWS:
        table.add_row(Text(f"and {count - _MOST_ROWS:,} more", "dim"))
    return table
