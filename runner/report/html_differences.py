"""The differences on a comparison's page: a table per metric, each interval drawn and worded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from runner.comparison.configurations import Comparison
from runner.comparison.directions import direction
from runner.comparison.statistics import CONFIDENCE, LEAST_PAIRS, Difference, Spread
from runner.report.html_metrics import (
    ABSENT,
    MISSING,
    fixed,
    label,
    metric_names,
    metric_titles,
    signed,
)
from runner.report.table import decimals_of

_MOST = 200
"""Rows of a table of differences; of more, the largest differences are shown."""

_MARGIN = 4
"""Room beside the outermost mark of a drawing, in percent of its width."""


def differences_section(comparison: Comparison, differences: Sequence[Difference]) -> str:
    """Return the section of paired differences, empty where there is none.

    Each metric stands in a ``noscript`` of its own: a reader without scripts sees them all one
    after the other, and the script shows the one that is chosen.
    """
    if not differences:
        return ""
    names, titles = metric_names(comparison), metric_titles(comparison)
    by_metric: dict[str, list[Difference]] = {}
    for one in differences:
        by_metric.setdefault(one.metric, []).append(one)
    blocks = "".join(
        f'<noscript data-metric="{escape(names[metric])}" '
        f'data-title="{escape(titles[metric])}"><h3>{escape(titles[metric])}</h3>'
        f"{_of_metric(rows)}</noscript>\n"
        for metric, rows in by_metric.items()
    )
    return (
        '<section id="differences"><h2>Differences from the baseline</h2>'
        '<p class="note">How much larger or smaller a metric is than in the baseline, seed by '
        f"seed: the mean over the seeds that both have, and its {CONFIDENCE:.0%} interval. An "
        "interval that holds 0 does not tell which of the two is higher.</p>"
        f"{blocks}</section>"
    )


def _of_metric(differences: Sequence[Difference]) -> str:
    """Return the tables of a metric, one per baseline."""
    against: dict[int, list[Difference]] = {}
    for one in differences:
        against.setdefault(id(one.second), []).append(one)
    tables = (_table(label(rows[0].second), rows) for rows in against.values())
    return "".join(tables) + _chance(differences)


def _chance(differences: Sequence[Difference]) -> str:
    """Return how many intervals would mislead if nothing differed."""
    count = sum(one.low is not None for one in differences)
    if count < 2:
        return ""
    return (
        f'<p class="note">These are {count} intervals. Even if nothing differed, one of '
        f"{1 / (1 - CONFIDENCE):.0f} would leave out 0 by chance.</p>"
    )


def _table(baseline: str, rows: Sequence[Difference]) -> str:
    places = decimals_of([_spread(one) for one in rows if one.seeds])
    every, rows = rows, _largest(rows)
    only = f" The {len(rows)} largest of {len(every):,} differences." if every != rows else ""
    scale = _scale(rows)
    body = "".join(_row(one, places, scale) for one in rows)
    return (
        f"<p>Against <b>{escape(baseline)}</b>:{only}</p>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Differences"><table><thead><tr>'
        '<th scope="col" data-name="settings">settings</th>'
        '<th scope="col" class="number" data-name="difference">difference</th>'
        f'<th scope="col">{CONFIDENCE:.0%} interval</th><th scope="col"></th>'
        '<th scope="col" class="number" data-name="seeds">seeds</th>'
        f'<th scope="col">in words</th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def _largest(rows: Sequence[Difference]) -> Sequence[Difference]:
    """Return the rows that are shown, in their order."""
    if len(rows) <= _MOST:
        return rows
    sizes = [abs(one.mean) if math.isfinite(one.mean) else -1.0 for one in rows]
    kept = sorted(range(len(rows)), key=lambda i: sizes[i], reverse=True)[:_MOST]
    return [rows[i] for i in sorted(kept)]


def _spread(one: Difference) -> Spread:
    half = None if one.low is None or one.high is None else (one.high - one.low) / 2
    return Spread(one.mean, half, len(one.seeds))


def _scale(rows: Iterable[Difference]) -> tuple[float, float]:
    """Return the least and the largest number drawn; zero lies between them."""
    ends = [end for one in rows for end in (one.mean, one.low, one.high) if end is not None]
    finite = [0.0, *(end for end in ends if math.isfinite(end))]
    return min(finite), max(finite)


def _row(one: Difference, places: int, scale: tuple[float, float]) -> str:
    interval, mean = MISSING, ABSENT
    if math.isfinite(one.mean):
        mean = f'<td class="number" data-v="{one.mean!r}">{signed(one.mean, places)}</td>'
    if one.low is not None and one.high is not None:
        interval = f"{fixed(one.low, places)} to {fixed(one.high, places)}"
    kind = "clear" if one.excludes_zero else "unclear"
    return (
        f'<tr class="{kind}"><th scope="row">{escape(label(one.first))}</th>{mean}'
        f'<td class="interval">{interval}</td><td>{_drawing(one, scale)}</td>'
        f'<td class="number">{len(one.seeds)}</td><td class="words">{words(one)}</td></tr>\n'
    )


def words(one: Difference) -> str:
    """Return what a difference says, plainly."""
    if not one.seeds:
        return "no seed in common"
    if one.low is None:
        return f"fewer than {LEAST_PAIRS} seeds in common"
    if not one.excludes_zero:
        return "no clear difference"
    merit = direction(one.metric) * one.mean
    word = "higher" if one.mean > 0 else "lower"
    return f"{word} ({'better' if merit > 0 else 'worse'})" if merit else word


def _drawing(one: Difference, scale: tuple[float, float]) -> str:
    """Return the interval as a line, the mean as a dot, and where zero is."""
    if not math.isfinite(one.mean):
        return ""
    least, largest = scale
    room = (100 - 2 * _MARGIN) / ((largest - least) or 1)

    def at(value: float) -> str:
        return f"{_MARGIN + (value - least) * room:.1f}%"

    line = ""
    if one.low is not None and one.high is not None:
        line = f'<line x1="{at(one.low)}" x2="{at(one.high)}" y1="50%" y2="50%"/>'
    return (
        f'<svg aria-hidden="true"><line class="zero" x1="{at(0)}" x2="{at(0)}" y1="-60%" '
        f'y2="160%"/>{line}<circle cx="{at(one.mean)}" cy="50%" r="3.5"/></svg>'
    )
