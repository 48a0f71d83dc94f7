"""The final numbers of a run as tables, for a terminal of any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.metric.number_table import number_table
from runner.metric.number_text import plus_minus, with_error
from runner.metric.quantities import quantity, shown_in

_GAP = 3
"""Characters between two columns."""
_MARGIN = 2
_NUMBER_WIDTH = len("-99.999")
_BAR_WIDTH = 16
_MOST_ROWS = 50
"""Variables or groups of a table; ``summary.json`` has all of them."""
_UNUSED = 0.01
"""Nats below which a variable is shown as unused."""

_SCORES = ("classification", "scores")
"""Parts of the summary that are numbers without a unit."""

Numbers = Mapping[str, float | None]
Trees = Mapping[str, Mapping[str, Any]]


def summary_tables(
    summary: Mapping[str, Any], *, width: int, ascii_only: bool, examples: str = "images"
) -> Iterator[tuple[str, Table]]:
    """Yield (title, table) of the content of ``summary.json``; the title may be empty.

    All numbers but the scores are in nats. Beside each stands its standard error, where it has one.
    ``examples`` is what the dataset has: images, points, documents.
    """
    encodings = f"{summary['encodings']:,} encodings"
    if training := summary.get("training_estimate"):
        encodings += f", in training from {training['encodings']:,}"
    errors: Mapping[str, Any] = summary.get("standard_errors", {})
    sign = plus_minus(ascii_only=ascii_only)
    title = f"{summary['images']:,} {examples}, q(z) from {encodings}; all in nats"
    yield title, _terms(summary, sign)
    known, of_known = summary["information"], errors.get("information", {})
    if known["variable"]:
        what = "I(x; z) of each variable" + (", and its rate" if known["rate"] else "")
        title = f"{what}{_cut(known['variable'])}"
        yield title, _variables(known, of_known, width, sign)
    if known["group"]:
        title = f"I(x; z) and I(factor; z) of each group{_cut(known['group'])}"
        for table in _groups(width, known, of_known, sign):
            yield title, table
            title = ""
    if any(summary.get(part) for part in _SCORES):
        scores = number_table("score", "value")
        for part in _SCORES:
            of_part = errors.get(part, {})
            for name, value in summary.get(part, {}).items():
                text = with_error(value, of_part.get(name), sign)
                scores.add_row(Text(quantity(f"{part}/{name}").short), text)
        yield "", scores


def _cut(rows: Numbers) -> str:
    """Return how many rows a table shows, if not all."""
    return f": {_MOST_ROWS} of {len(rows):,}" if len(rows) > _MOST_ROWS else ""


def _terms(summary: Mapping[str, Any], sign: str) -> Table:
    """Return a row per figure, with what the estimate of training says of it in a column."""
    values, errors = _flat(summary), _flat(summary.get("standard_errors", {}))
    training: Mapping[str, Any] = summary.get("training_estimate", {})
    said, of_said = _flat(training), _flat(training.get("standard_errors", {}))
    heads = ["evaluation", "training estimate"] if training else ["nats"]
    table = number_table("quantity", *heads)
    for each in shown_in("summary"):
        if each.name in values:  # of the terms a deterministic code has the reconstruction alone
            cells = [with_error(values[each.name], errors.get(each.name), sign)]
            if training:
                is_known = each.name in said
                other = with_error(said.get(each.name), of_said.get(each.name), sign)
                cells.append(other if is_known else "")
            table.add_row(each.title, *cells, style="bold" if each.name == "elbo" else "")
    return table


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a part of the summary by name: ``elbo``, ``terms/reconstruction``."""
    return {**tree, **{f"terms/{name}": value for name, value in tree.get("terms", {}).items()}}


def _variables(known: Trees, errors: Trees, width: int, sign: str) -> Table:
    """Return a row per variable with a bar, which takes what the numbers leave of the width."""
    information, rates = known["variable"], known["rate"]
    finite = {
        name: value if value is not None and math.isfinite(value) else 0.0
        for name, value in information.items()
    }
    shown = sorted(finite, key=lambda name: -finite[name])[:_MOST_ROWS]
    cells = {
        name: [
            with_error(column.get(name), errors.get(kind, {}).get(name), sign)
            for kind, column in (("variable", information), ("rate", rates))
        ]
        for name in shown
    }
    used = sum(
        max(len(head), *(len(cells[name][i]) for name in shown))
        for i, head in enumerate(("information", "rate"))
    )
    free = width - _MARGIN - _widest("variable", information) - used - 3 * _GAP
    character, longest = "#" if sign.isascii() else "━", min(_BAR_WIDTH, max(0, free))
    scale = longest / max(*finite.values(), _UNUSED)
    table = number_table("variable", "information", "rate")
    table.add_column(no_wrap=True)
    for name in shown:
        bar = Text(character * round(scale * finite[name]), style="cyan")
        style = "dim" if finite[name] < _UNUSED else ""
        table.add_row(Text(name), *cells[name], bar, style=style)
    return table


def _groups(width: int, known: Trees, errors: Trees, sign: str) -> Iterator[Table]:
    """Yield a table with a row per group, or several if the columns of all factors do not fit."""
    of_group, of_factor = errors.get("group", {}), errors.get("factor", {})
    rows = {
        group: {
            "image": with_error(value, of_group.get(group), sign),
            **{
                factor: with_error(number, of_factor.get(group, {}).get(factor), sign)
                for factor, number in known["factor"][group].items()
            },
        }
        for group, value in islice(known["group"].items(), _MOST_ROWS)
    }
    widths = {name: max(len(row[name]) for row in rows.values()) for name in _names(rows)}
    for names in _packed(widths, width - _MARGIN - _widest("group", rows)):
        table = number_table("group", *names)
        for group, row in rows.items():
            table.add_row(Text(group), *(row[name] for name in names))
        yield table


def _names(rows: Mapping[str, Mapping[str, str]]) -> dict[str, None]:
    return dict.fromkeys(name for row in rows.values() for name in row)


def _packed(widths: Mapping[str, int], free: int) -> list[list[str]]:
    """Return the names in lists, each of whose columns fit into ``free`` characters."""
    packed: list[list[str]] = [[]]
    left = free
    for name, width in widths.items():
        needed = max(len(name), width, _NUMBER_WIDTH) + _GAP
        if needed > left and packed[-1]:
            packed.append([])
            left = free
        packed[-1].append(name)
        left -= needed
    return packed


def _widest(header: str, names: Iterable[str]) -> int:
    return max(len(name) for name in [header, *names])
