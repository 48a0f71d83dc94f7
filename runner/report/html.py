"""The page of a comparison: one file that holds all it needs, to read, to keep or to send.

It asks nothing of a network: a policy in its head forbids that, and lets no script run but its own.
Whatever comes from a run, names and settings and errors, is escaped where it is written.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from runner import __version__
from runner.comparison.configurations import Comparison
from runner.comparison.names import short_names, value_text
from runner.comparison.runs import ComparedRun
from runner.comparison.statistics import Difference
from runner.report.html_differences import differences_section
from runner.report.html_figures import figures_section
from runner.report.html_metrics import MISSING
from runner.report.html_results import more_metrics, results_section
from runner.report.html_runs import common_folder

_PLACE = re.compile(r"\{\{(\w+)\}\}")
"""Where the template takes a part."""

_SEVERAL = 6
"""More values than these are counted rather than named."""


def render(
    comparison: Comparison,
    differences: Sequence[Difference],
    figures: Mapping[str, bytes],
    command: str | None = None,
) -> str:
    """Return the whole page as HTML.

    Args:
        comparison: What is shown.
        differences: Of cells from the baseline, by metric; none where there is one cell alone.
        figures: Pictures by their names, each the bytes of a PNG file.
        command: What made the page, as it was typed, if that is to be told.
    """
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "title": escape(title(comparison)),
        "generator": f"vaerun {__version__}",
        "style": _asset("page.css"),
        "script": script,
        "script_hash": f"sha256-{digest}",
        "facts": _facts(comparison),
        "left_out": _left_out(comparison),
        "results": results_section(comparison),
        "differences": differences_section(comparison, differences),
        "figures": figures_section(figures),
        "settings": _settings(comparison),
        "origin": _origin(comparison, command),
        "more": more_metrics(comparison),
    }
    return _PLACE.sub(lambda place: parts[place[1]], _asset("page.html"))


def title(comparison: Comparison) -> str:
    """Return what is compared: ``beta_vae and hfvae on mnist, by beta and gamma``."""
    objectives = _listed(_values(comparison.runs, "objective.name"))
    data = _listed(_values(comparison.runs, "dataset.name"))
    short = short_names(comparison.by)
    others = [short[key] for key in comparison.by if key not in {"objective.name", "dataset.name"}]
    by = f", by {_listed(others)}" if others else ""
    return f"{objectives} on {data}{by}"


def _asset(name: str) -> str:
    return resources.files("runner.report").joinpath(name).read_text(encoding="utf-8")


def _values(runs: Sequence[ComparedRun], key: str) -> list[str]:
    """Return the texts of a setting's values, each once, in the order of the runs."""
    return list(dict.fromkeys(value_text(run.settings.get(key)) or "unknown" for run in runs))


def _listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``, or how many there are beyond a handful."""
    if len(words) > _SEVERAL:
        return f"{', '.join(words[: _SEVERAL - 1])} and {len(words) - _SEVERAL + 1} more"
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _facts(comparison: Comparison) -> str:
    runs = comparison.runs
    objectives, data = _values(runs, "objective.name"), _values(runs, "dataset.name")
    facts = {
        "Finished runs": f"{len(runs):,}",
        "Combinations of settings": f"{len(comparison.configurations):,}",
        "Seeds": _seeds({run.seed for run in runs}),
        "Data" if len(data) == 1 else f"{len(data)} datasets": _listed(data),
        "Objective" if len(objectives) == 1 else f"{len(objectives)} objectives": _listed(
            objectives
        ),
    }
    rows = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts.items()
    )
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _seeds(seeds: set[int]) -> str:
    """Return ``0 to 4``, or ``0, 3, 7``, or how many there are."""
    ordered = sorted(seeds)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]} to {ordered[-1]}"
    return _listed([str(seed) for seed in ordered])


def _left_out(comparison: Comparison) -> str:
    """Return the runs that do not count, and why."""
    left = [(run, run.state, run.error or "") for run in comparison.excluded]
    left += [
        (run, "repeated", "a later run has the same settings and seed")
        for run in comparison.duplicates
    ]
    if not left:
        return ""
    rows = (
        f"<tr><td>{escape(run.path.as_posix())}</td><td>{escape(state)}</td>"
        f"<td>{escape(error)}</td></tr>"
        for run, state, error in left
    )
    states = Counter(state for _, state, _ in left)
    counts = ", ".join(f"{count:,} {escape(state)}" for state, count in states.items())
    head = '<thead><tr><th scope="col">run</th><th scope="col">state</th><th scope="col">why</th>'
    return (
        f'<details class="fold"><summary>{_counted(len(left), "run")} left out: {counts}</summary>'
        f'<div class="scroll"><table>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        "</div></details>"
    )


def _settings(comparison: Comparison) -> str:
    """Return what all runs were set to alike, and what else differs between them."""
    runs = comparison.runs
    keys = list(dict.fromkeys(key for run in runs for key in run.settings))
    values = {key: {run.settings.get(key) for run in runs} for key in keys}
    shared = {key: next(iter(found)) for key, found in values.items() if len(found) == 1}
    rows = (
        f"<div><dt>{escape(key)}</dt><dd>{escape(value_text(value)) or MISSING}</dd></div>"
        for key, value in shared.items()
    )
    told = {*comparison.by, "seed", *comparison.pooled}
    others = [key for key in keys if key not in shared and key not in told]
    rest = ", ".join(f"<code>{escape(key)}</code>" for key in others)
    note = f'<p class="note">These differ too, but tell no rows apart: {rest}.</p>'
    return (
        '<section id="settings"><h2>Settings that all runs share</h2><details class="fold">'
        f'<summary>{_counted(len(shared), "setting")}</summary><dl class="list">{"".join(rows)}'
        f"</dl></details>{note if others else ''}</section>"
    )


def _origin(comparison: Comparison, command: str | None) -> str:
    """Return how the page came about, and where the runs lie."""
    folder = common_folder(comparison.runs)
    is_told = folder and not folder.startswith("..")  # which says nothing elsewhere
    where = f" The runs lie beneath <code>{escape(folder)}</code>." if is_told else ""
    typed = f"<pre><code>{escape(command)}</code></pre>" if command else ""
    return (
        f'<section id="origin"><h2>How this page was made</h2>{typed}'
        f'<p class="note">By <code>vaerun compare</code>, version {__version__}.{where} This file '
        "is complete in itself: it loads nothing, and works offline.</p></section>"
    )
