"""The results on a comparison's page: a row per cell, its runs beneath, and further metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from html import escape

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import short_names, value_text
from runner.comparison.statistics import spread
from runner.report.html_metrics import (
    ABSENT,
    MISSING,
    best_of,
    breakable,
    fixed,
    label,
    metric_names,
    metric_titles,
    places_of,
)
from runner.report.html_runs import every_run

SHOWN = 250
"""Rows that a script shows at first, of those that are wanted: thousands are slow to lay out."""


def results_section(comparison: Comparison) -> str:
    """Return the table of cells, and for a reader without scripts that of every run."""
    places = {metric: places_of(comparison.configurations, metric) for metric in comparison.metrics}
    best = {metric: best_of(comparison.configurations, metric) for metric in comparison.metrics}
    sides = _sides(comparison)
    rows: list[str] = []
    for i, configuration in enumerate(comparison.configurations):
        kinds = {metric: "number best" if i in best[metric] else "number" for metric in places}
        numbers = [_mean(configuration, metric, places[metric], kinds[metric]) for metric in places]
        rows.append(_cell(i, configuration, sides, "".join(numbers)))
    heads = _metric_heads(comparison)
    count = '<th scope="col" class="number" data-kind="count" data-name="runs">runs</th>'
    return (
        f'<section id="table"><h2>Results</h2>{_explained(comparison)}'
        '<div class="scroll" tabindex="0" role="region" aria-label="Results"><table id="results"'
        f' data-shown="{SHOWN}"><thead><tr>{_setting_heads(comparison)}{count}{heads}</tr>'
        f"</thead>{''.join(rows)}</table></div>{every_run(comparison, places, heads)}</section>"
    )


def more_metrics(comparison: Comparison) -> str:
    """Return the numbers of all metrics beyond the chosen, as a block of JSON for the script.

    By the metric's short name: its title and decimals, and per cell the value of each run or null.
    """
    titles = metric_titles(comparison)
    content = {
        short: {
            "title": titles[metric],
            "decimals": places_of(comparison.configurations, metric),
            "values": [
                [_rounded(run.metrics.get(metric)) for run in configuration.runs]
                for configuration in comparison.configurations
            ],
        }
        for metric, short in sorted(metric_names(comparison).items())
        if metric not in comparison.metrics
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Within a script only "<" can end it or begin a comment, and JSON has it in strings alone.
    text = text.replace("<", "\\u003c")
    return f'<script type="application/json" id="more">{text}</script>'


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.7g}")


def _explained(comparison: Comparison) -> str:
    text = "Each row is a combination of settings: the mean ± standard deviation over its runs"
    if comparison.pooled:
        short = short_names(comparison.pooled)
        others = ", ".join(f"<code>{escape(name)}</code>" for name in short.values())
        text += f". Runs of one row may differ in more than their seed: in {others}."
    else:
        text += ", which differ in their seed alone."
    counts = ""
    if any(metric not in run.metrics for run in comparison.runs for metric in comparison.metrics):
        counts = " Where a metric is missing in some runs, n says how many have it."
    return (
        f'<p class="note">{text} ELBO, rate, terms and information are in nats; the best mean is '
        f"bold where one way is better.{counts}</p>"
    )


def _setting_heads(comparison: Comparison) -> str:
    short = short_names(comparison.by)
    sides = _sides(comparison)
    names = [(key, short[key]) for key in comparison.by] or [("settings", "settings")]
    return "".join(
        f'<th scope="col" data-kind="setting" data-key="{escape(key)}" data-name="{escape(name)}"'
        f' title="{escape(key)}" class="{sides.get(key, "setting")}">{breakable(name)}</th>'
        for key, name in names
    )


def _sides(comparison: Comparison) -> dict[str, str]:
    """Return the class of each setting's column: numbers stand to the right."""
    words = {
        key
        for configuration in comparison.configurations
        for key, value in configuration.settings.items()
        if value is not None and not _is_number(value)
    }
    return {key: "setting" if key in words else "setting number" for key in comparison.by}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _metric_heads(comparison: Comparison) -> str:
    names, titles = metric_names(comparison), metric_titles(comparison)
    return "".join(
        f'<th scope="col" class="number metric" data-kind="metric" data-key="{escape(metric)}"'
        f' data-name="{escape(names[metric])}" title="{escape(metric)}">'
        f"{breakable(titles[metric])}</th>"
        for metric in comparison.metrics
    )


def _cell(i: int, configuration: Configuration, sides: Mapping[str, str], numbers: str) -> str:
    """Return the row of a cell: a body of its own, which its runs can join."""
    toggle = (
        '<button type="button" class="toggle" aria-expanded="false"'
        f' aria-label="Runs of {escape(label(configuration))}"></button>'
    )
    settings = [_setting(configuration.settings.get(key), side) for key, side in sides.items()]
    settings = settings or ['<td class="setting">all runs</td>']
    first = settings[0].replace("<td", '<th scope="row"', 1).replace("</td>", "</th>", 1)
    first = first.replace(">", f">{toggle}", 1)
    late = ' class="late"' if i >= SHOWN else ""
    return (
        f'<tbody data-i="{i}" data-runs="{len(configuration.runs)}"{late}><tr class="cell">{first}'
        f'{"".join(settings[1:])}<td class="number">{len(configuration.runs)}</td>'
        f"{numbers}</tr></tbody>\n"
    )


def _setting(value: object, side: str) -> str:
    if value is None:  # it has no effect on these runs
        return f'<td class="{side}" data-v="">{MISSING}</td>'
    sort = f' data-v="{value}"' if _is_number(value) else ""
    return f'<td class="{side}"{sort}>{escape(value_text(value))}</td>'


def _mean(configuration: Configuration, metric: str, places: int, kind: str) -> str:
    """Return mean and spread, and of how many runs where some lack the metric."""
    each = spread(configuration, metric)
    if each is None:
        return ABSENT
    tail = ""
    if each.deviation is not None:
        tail = f'<span class="spread"> ± {fixed(each.deviation, places)}</span>'
    if each.count < len(configuration.runs):
        tail += f' <span class="count">n {each.count}</span>'
    return f'<td class="{kind}" data-v="{each.mean!r}">{fixed(each.mean, places)}{tail}</td>'
