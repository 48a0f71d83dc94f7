"""The page of a comparison: one HTML file that needs nothing else, not even a network.

Its content security policy forbids every request and every script but its own. The templates
escape whatever comes from a run: names, settings, errors, and show control characters as escapes.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from runner import __version__
from runner.comparison.configurations import Comparison
from runner.comparison.names import short_names, value_text
from runner.comparison.runs import ComparedRun
from runner.comparison.statistics import CONFIDENCE, Difference
from runner.report.html_differences import differences_by_metric
from runner.report.html_figures import figures_with_captions
from runner.report.html_metrics import MISSING
from runner.report.html_results import more_metrics, results
from runner.report.html_runs import common_folder, every_run
from runner.store.shown_text import escaped

_SEVERAL = 6
"""Of more values than these only the first are listed."""


def render(
    comparison: Comparison,
    differences: Sequence[Difference],
    figures: Mapping[str, bytes],
    command: str | None = None,
) -> str:
    """Return the whole page as HTML.

    Args:
        comparison: the configurations and metrics.
        differences: from the baselines, by metric; empty where there is one configuration.
        figures: pictures by name, each the bytes of a PNG file.
        command: the command line that made the page, if it is to be shown.
    """
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=title(comparison),
            version=__version__,
            style=_asset("page.css"),
            script=script,
            script_hash=f"sha256-{digest}",
            facts=_facts(comparison),
            excluded=_excluded(comparison),
            warnings=_warnings(comparison),
            results=results(comparison),
            every_run=every_run(comparison),
            more_metrics=more_metrics(comparison),
            differences=differences_by_metric(comparison, differences),
            confidence=f"{CONFIDENCE:.0%}",
            one_of=f"{1 / (1 - CONFIDENCE):.0f}",
            figures=figures_with_captions(figures),
            settings=_settings(comparison),
            command=command,
            folder=_folder(comparison),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("runner.report"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"),
        "ensure_ascii": False,
        "allow_nan": False,
    }
    return environment


def _shown(value: object) -> object:
    """Return what a template prints, with the control characters of a text as escapes."""
    return escaped(value) if type(value) is str else value


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
    """Return the distinct values of a setting as texts, in the order of the runs."""
    return list(dict.fromkeys(value_text(run.settings.get(key)) or "unknown" for run in runs))


def _listed(names: Sequence[str]) -> str:
    """Return ``a, b and c``; of more than a few names, the first and the number of the others."""
    if len(names) > _SEVERAL:
        return f"{', '.join(names[: _SEVERAL - 1])} and {len(names) - _SEVERAL + 1} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    """Return (name, text) of what the head of the page says about the runs."""
    runs = comparison.runs
    objectives, data = _values(runs, "objective.name"), _values(runs, "dataset.name")
    return [
        ("Finished runs", f"{len(runs):,}"),
        ("Combinations of settings", f"{len(comparison.configurations):,}"),
        ("Seeds", _seeds({run.seed for run in runs})),
        ("Data" if len(data) == 1 else f"{len(data)} datasets", _listed(data)),
        (
            "Objective" if len(objectives) == 1 else f"{len(objectives)} objectives",
            _listed(objectives),
        ),
    ]


def _seeds(seeds: set[int]) -> str:
    """Return ``0 to 4``, or ``0, 3, 7``; of more than a few, the first and how many follow."""
    ordered = sorted(seeds)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]} to {ordered[-1]}"
    return _listed([str(seed) for seed in ordered])


def _excluded(comparison: Comparison) -> dict[str, Any]:
    """Return (path, state, reason) of the runs that are not compared, and a summary of them."""
    runs = [(run.path.as_posix(), run.state, run.error or "") for run in comparison.excluded]
    runs += [
        (run.path.as_posix(), "duplicate", "a later run has the same settings and seed")
        for run in comparison.duplicates
    ]
    states = Counter(state for _, state, _ in runs)
    counts = ", ".join(f"{count:,} {state}" for state, count in states.items())
    return {"runs": runs, "summary": f"{_counted(len(runs), 'run')} excluded: {counts}"}


def _warnings(comparison: Comparison) -> dict[str, Any]:
    """Return (path, sentence) of each estimate that cannot be true, and a summary of them."""
    runs = [run for run in comparison.runs if run.warnings]
    rows = [(run.path.as_posix(), sentence) for run in runs for sentence in run.warnings]
    counted = _counted(len(runs), "run")
    return {"rows": rows, "summary": f"{counted} with estimates that cannot be true"}


def _settings(comparison: Comparison) -> dict[str, Any]:
    """Return the settings that all runs share, and the names of the others not in the table."""
    runs = comparison.runs
    keys = list(dict.fromkeys(key for run in runs for key in run.settings))
    values = {key: {run.settings.get(key) for run in runs} for key in keys}
    shared = {key: next(iter(found)) for key, found in values.items() if len(found) == 1}
    known = {*shared, *comparison.by, "seed", *comparison.pooled}
    return {
        "summary": _counted(len(shared), "setting"),
        "shared": [(key, value_text(value) or MISSING) for key, value in shared.items()],
        "others": [key for key in keys if key not in known],
    }


def _folder(comparison: Comparison) -> str:
    """Return the folder of all runs, empty where the page could not tell it elsewhere."""
    folder = common_folder(comparison.runs)
    return "" if folder.startswith("..") else folder
