"""Every run on a comparison's page: a table without scripts, and rows for the script."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from runner.comparison.configurations import Comparison
from runner.comparison.runs import ComparedRun
from runner.report.html_metrics import ABSENT, fixed, label


def every_run(comparison: Comparison, places: Mapping[str, int], heads: str) -> str:
    """Return the table of runs, a body per cell; the script takes from it the rows it opens."""
    width = len(comparison.by) or 1
    folder = common_folder(comparison.runs)
    bodies: list[str] = []
    for configuration in comparison.configurations:
        span = width + 1 + len(comparison.metrics)
        words = escape(label(configuration))
        name = f'<tr class="group"><th scope="rowgroup" colspan="{span}">{words}</th>'
        runs = "".join(_run(run, folder, width, places) for run in configuration.runs)
        bodies.append(f"<tbody>{name}</tr>{runs}</tbody>\n")
    return (
        '<noscript id="every-run"><h3>Every run</h3><div class="scroll"><table><thead><tr>'
        f'<th scope="col" colspan="{width}">run</th><th scope="col">seed</th>{heads}</tr></thead>'
        f"{''.join(bodies)}</table></div></noscript>"
    )


def common_folder(runs: Sequence[ComparedRun]) -> str:
    """Return the deepest folder that all runs lie in, empty where they share none."""
    try:
        common = os.path.commonpath([run.path.parent for run in runs])
    except ValueError:  # some paths are absolute and others are not, or there is no run
        return ""
    return "" if Path(common) in {Path(), Path("/")} else Path(common).as_posix()


def _run(run: ComparedRun, folder: str, width: int, places: Mapping[str, int]) -> str:
    path = run.path.as_posix().removeprefix(f"{folder}/") if folder else run.path.as_posix()
    numbers = "".join(_value(run.metrics.get(name), places[name]) for name in places)
    return (
        f'<tr class="run"><th scope="row" colspan="{width}">{escape(path)}</th>'
        f'<td class="number">seed {run.seed}</td>{numbers}</tr>'
    )


def _value(value: float | None, places: int) -> str:
    return ABSENT if value is None else f'<td class="number">{fixed(value, places)}</td>'
