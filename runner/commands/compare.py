"""``vaerun compare``: many runs side by side, in the terminal and as files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.manual import COMPARE
from runner.comparison.baseline import Baselines, choose_baselines, differences
from runner.comparison.configurations import Comparison, compare_runs
from runner.comparison.names import short_names
from runner.comparison.representatives import RepresentativeRun
from runner.comparison.runs import read_runs
from runner.comparison.statistics import CONFIDENCE, LEAST_PAIRS, Difference
from runner.console.run_display import make_console
from runner.errors import UsageError
from runner.metric.quantities import quantity
from runner.report.export import as_json, configurations_csv, differences_csv, relative, runs_csv
from runner.report.html import render
from runner.report.quantity_list import print_quantities
from runner.report.table import comparison_table
from runner.store.run_folder import read_json, write_atomically, write_json

if TYPE_CHECKING:
    from runner.evaluation.traversal_rows import Traversal

_UNBOUNDED = 100_000
"""Columns of a pipe, in which nothing is cut."""

_NAMED = 5
"""More runs of one state than these are counted and not named."""


@dataclass(frozen=True)
class _Request:
    """What is to be compared, and where the files go."""

    paths: list[Path]
    arguments: Arguments

    @property
    def folder(self) -> Path:
        """Where the files go."""
        if out := self.arguments.text("--out"):
            return Path(out)
        return (self.paths[0] if len(self.paths) == 1 else Path()) / "comparison"


def run(arguments: Arguments) -> int:
    """Print the finished runs beneath some folders side by side, and write it all into files.

    The table goes to stdout, everything else to stderr. Returns the exit code.

    Raises: VaerunError for arguments that cannot be carried out.
    """
    request = _Request(_folders(arguments), arguments)
    _refuse_places(request)
    console = make_console()
    runs = read_runs(request.paths)
    metrics = arguments.texts("--metric")
    if metrics == ["list"]:
        available = compare_runs(runs, None, ["all"]).metrics
        print_quantities(available)
        return 0
    comparison = compare_runs(runs, arguments.texts("--by"), metrics)
    baselines = choose_baselines(comparison, arguments.text("--against"))
    found = differences(comparison, baselines)
    _tell(console, comparison)
    _show(console, comparison, found, baselines)
    _write(console, comparison, request, found)
    if "--wandb" in arguments.flags:
        _save_workspace(console, comparison)
    return 0


def _refuse_places(request: _Request) -> None:
    """Refuse places that cannot be written, before anything is made there.

    Raises: UsageError.
    """
    html = request.arguments.text("--html")
    for option, place in (("--out", request.folder), ("--html", Path(html) if html else None)):
        if place is None:
            continue
        is_file = option == "--html"
        above = next(each for each in (place, *place.absolute().parents) if each.exists())
        if (is_file and place.is_dir()) or (not is_file and place.is_file()):
            kind, wanted = ("folder", "file") if is_file else ("file", "folder")
            raise UsageError(f"{option}: '{place}' is a {kind}, and names a {wanted}")
        if above != place and not above.is_dir():
            raise UsageError(f"{option}: '{above}' is a file, so '{place}' cannot be made in it")
        if not os.access(above, os.W_OK):
            raise UsageError(f"{option}: '{above}' cannot be written")


def _folders(arguments: Arguments) -> list[Path]:
    for override in arguments.overrides:
        message = f"compare takes folders, not settings such as '{override}'"
        raise UsageError(message, COMPARE.usage[0])
    if not arguments.operands:
        raise UsageError("compare takes folders of runs", COMPARE.usage[0])
    return [Path(name) for name in arguments.operands]


def _tell(console: Console, comparison: Comparison) -> None:
    """Print which runs are excluded, which scores differ in settings, and what is pooled."""
    for state in dict.fromkeys(run.state for run in comparison.excluded):
        runs = [run for run in comparison.excluded if run.state == state]
        if len(runs) > _NAMED:
            _note(console, f"excluded: {len(runs)} runs that are {state}")
            continue
        for run in runs:
            _note(console, f"excluded, {state}: {run.path}{f' ({run.error})' if run.error else ''}")
    if comparison.duplicates:
        count, first = len(comparison.duplicates), comparison.duplicates[0].path
        others = f" and {count - 1} more" if count > 1 else ""
        reason = "a later run has the same settings and seed, and counts instead"
        _note(console, f"excluded: {first}{others}: {reason}")
    _tell_old(console, comparison)
    mixed = [metric for metric in comparison.metrics if _is_mixed(comparison, metric)]
    if mixed:
        names = ", ".join(quantity(metric).short for metric in mixed)
        advice = "vaerun evaluate scores them again"
        _note(console, f"{names}: computed with different settings in some runs; {advice}")
    if comparison.pooled:
        names = ", ".join(short_names(comparison.pooled).values())
        _note(
            console, f"runs of one configuration differ in {names} too, and ± is over all of them"
        )


def _tell_old(console: Console, comparison: Comparison) -> None:
    """Say which version wrote runs that do not tell which of their settings follow from others."""
    old = [run for run in comparison.runs if run.origin is None]
    if not old:
        return
    versions = " and ".join(sorted({f"vaerun {run.version}" for run in old if run.version}))
    written = f"were written by {versions or 'another version'} without config_unresolved.yaml"
    _note(console, f"{len(old)} of the runs {written}: they are compared by every setting")


def _is_mixed(comparison: Comparison, metric: str) -> bool:
    """Return whether a score has other settings in some of the runs that have it."""
    found = (run.conditions.get(metric) for run in comparison.runs if metric in run.metrics)
    return len(set(found)) > 1


def _show(
    console: Console,
    comparison: Comparison,
    found: Sequence[Difference],
    baselines: Baselines,
) -> None:
    """Print the table on stdout."""
    out = Console(highlight=False, markup=False)
    if not out.is_terminal:
        out.width = _UNBOUNDED
    width = out.width if out.is_terminal else None
    ascii_only = out.options.ascii_only
    shown = comparison_table(comparison, found, baselines, width=width, ascii_only=ascii_only)
    out.print(shown.table)
    for line in _legend(comparison, found):
        out.print(Text(line, "dim"), soft_wrap=True)
    if shown.dropped:
        names = ", ".join(quantity(metric).short for metric in shown.dropped)
        _note(console, f"no room for {names}: configurations.csv has them, --metric chooses")


def _legend(comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    """Yield the lines below the table, which explain its numbers."""
    several = any(len(configuration.runs) > 1 for configuration in comparison.configurations)
    over = "the runs of a configuration" if comparison.pooled else "seeds"
    figures = f"mean and standard deviation over {over}" if several else "one run each"
    yield f"{figures}; ELBO, rate and terms in nats"
    main = [each for each in found if each.metric == comparison.metrics[0]]
    with_interval = [each for each in main if each.low is not None]
    if main and not with_interval:
        yield f"differences from the baseline, seed by seed; an interval needs {LEAST_PAIRS} seeds"
    elif main:
        count, clear = len(with_interval), sum(each.excludes_zero for each in with_interval)
        by_chance = (1 - CONFIDENCE) * count
        yield (
            f"differences from the baseline, seed by seed, [95 % interval]; "
            f"* {clear} of {count} intervals exclude 0, as {by_chance:.2g} would "
            "by chance if nothing differed"
        )


def _write(
    console: Console, comparison: Comparison, request: _Request, found: Sequence[Difference]
) -> None:
    folder, html = request.folder, request.arguments.text("--html")
    for place in (*([Path(html).parent] if html else []), folder / "figures"):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"'{place}' cannot be made ({error.strerror})") from error
    figures = {} if "--no-figures" in request.arguments.flags else _draw(console, comparison)
    for name in read_json(folder / "comparison.json").get("figures", []):
        # A figure of the last comparison that this one lacks would be taken for one of its own.
        (folder / "figures" / Path(name).name).with_suffix(".png").unlink(missing_ok=True)
    for name, picture in figures.items():
        write_atomically(folder / "figures" / f"{name}.png", picture)
    command = shlex.join(["vaerun", "compare", *request.arguments.given])
    named = relative(comparison, folder.parent)
    renamed = {
        id(c): other
        for c, other in zip(comparison.configurations, named.configurations, strict=True)
    }
    found = [replace(d, first=renamed[id(d.first)], second=renamed[id(d.second)]) for d in found]
    write_atomically(folder / "configurations.csv", configurations_csv(named).encode())
    write_atomically(folder / "runs.csv", runs_csv(named).encode())
    write_atomically(folder / "differences.csv", differences_csv(found).encode())
    content = as_json(named, found, command)
    write_json(folder / "comparison.json", {**content, "figures": list(figures)})
    page = render(named, found, figures, command).encode()
    pages = [folder / "comparison.html"]
    if html:
        pages.append(Path(html))
    for path in pages:
        write_atomically(path, page)
    places = [
        *pages,
        *(folder / f"{name}.csv" for name in ("configurations", "runs", "differences")),
    ]
    _note(console, f"written: {', '.join(str(path) for path in places)}")


def _draw(console: Console, comparison: Comparison) -> dict[str, bytes]:
    """Return the figures as PNG files."""
    from runner.figures.of_comparison import draw  # matplotlib takes half a second to import

    def traverse(chosen: Sequence[RepresentativeRun]) -> Sequence[Traversal]:
        from runner.runs.traverse import traverse_runs  # this imports torch, and the datasets

        return traverse_runs(chosen, console)

    figures: dict[str, bytes] = {}
    for name, figure in draw(comparison, console, traverse).items():
        content = BytesIO()
        figure.savefig(content, format="png")
        figures[name] = content.getvalue()
    return figures


def _save_workspace(console: Console, comparison: Comparison) -> None:
    """Save a view of these runs on W&B, and print where it is.

    Raises: UsageError when the runs are not in one place there.
    """
    from runner.tracking.workspace import save_workspace

    entity, project, group = (_agreed(comparison, key) for key in ("entity", "project", "group"))
    url = save_workspace(
        entity,
        str(project),
        group,
        name=group or str(project),
        metrics=comparison.metrics,
        by=comparison.by,
    )
    _note(console, f"W&B: {url}")


def _agreed(comparison: Comparison, key: str) -> str | None:
    values = list(dict.fromkeys(run.settings.get(f"wandb.{key}") for run in comparison.runs))
    if len(values) > 1:
        words = " and ".join(str(value) for value in values[:2])
        hint = "compare runs of one sweep, or leave out --wandb"
        raise UsageError(f"these runs differ in wandb.{key}: {words}", hint)
    return None if values[0] is None else str(values[0])


def _note(console: Console, words: str) -> None:
    console.print(Text(words, "dim"), soft_wrap=True, highlight=False)
