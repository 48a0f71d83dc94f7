"""``vaerun show``: what is in the folder of a run or a grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.list_runs import age
from runner.commands.manual_of_runs import SHOW
from runner.commands.shown_files import figures_of, print_files
from runner.commands.stdout import print_json, product_console
from runner.comparison.chosen_settings import changed_settings, choices_of
from runner.comparison.names import value_text
from runner.comparison.overview import Overview, overview
from runner.comparison.runs import ComparedRun
from runner.console.durations import duration
from runner.console.lines import one_line
from runner.console.run_display import print_warning
from runner.errors import DataError, UsageError
from runner.report.record_curves import curves_table, records_json
from runner.report.run_figures import figure_tables
from runner.report.run_list import STYLES, iso_time
from runner.runs.outlook import Standing, standing
from runner.store.find_runs import all_runs
from runner.store.records import Record
from runner.store.run_folder import RunFolder
from runner.store.sizes import sizes

_LABEL = 10


def run(arguments: Arguments) -> int:
    """Print what is in a folder on stdout, and return the exit code.

    Raises: UsageError where there is neither a run nor a grid; DataError where it is corrupt.
    """
    if arguments.overrides or len(arguments.operands) != 1:
        hint = "vaerun list runs DIR lists many" if len(arguments.operands) > 1 else SHOW.usage[0]
        raise UsageError("show takes the folder of one run, or of one grid", hint)
    path, as_json = Path(arguments.operands[0]), "--json" in arguments.flags
    if (path / "grid.json").is_file():
        from runner.commands.show_grid import show_grid

        return show_grid(path, as_json=as_json)
    _require_run(path)
    found = overview(path)
    if found.run is None:
        raise DataError(found.error or f"'{path}' cannot be read")
    records = RunFolder(path).read_records()
    if as_json:
        print_json(_as_json(found, found.run, standing(path), records))
    else:
        _show(product_console(), found, _rows(found, found.run, standing(path)), records)
    return 0


def _require_run(path: Path) -> None:
    """Refuse what is no run folder; of one that holds runs, say how to list them.

    Raises: UsageError.
    """
    if not (path / "config.yaml").exists() and path.is_dir() and (inside := all_runs(path)):
        found = f"{len(inside):,} runs" if len(inside) > 1 else f"the run '{inside[0]}'"
        raise UsageError(f"'{path}' is no run, but holds {found}", f"vaerun list runs {path}")
    RunFolder.open(path)  # raises where there is no run


def _show(
    console: Console, found: Overview, rows: Mapping[str, str | Text], records: list[Record]
) -> None:
    for label, value in rows.items():
        text = value if isinstance(value, Text) else Text(one_line(value))
        console.print(Text.assemble((label.rjust(_LABEL), "dim"), "  ", text), soft_wrap=True)
    ascii_only = console.options.ascii_only
    errors = found.run.errors if found.run else {}
    tables = list(figure_tables(found.metrics, errors, ascii_only=ascii_only))
    if records:
        tables.insert(0, curves_table(records, ascii_only=ascii_only))
    for table in tables:
        console.print()
        console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print()
    for sentence in found.run.warnings if found.run else ():
        print_warning(console, sentence)
    print_files(console, found.path)


def _rows(found: Overview, run: ComparedRun, stands: Standing) -> Mapping[str, str | Text]:
    rows: dict[str, str | Text] = {"run": str(found.path), "state": _state(found)}
    if found.error:
        rows["error"] = found.error
    rows |= {"trained": _trained(found), "written by": written_by(found.status)}
    own = "yes" if stands.is_own else "no: its settings were written, or edited, by somebody else"
    rows |= {"yours": own, "resume": stands.outlook}
    choices = choices_of(run)
    rows["choices"] = "  ".join(f"{group}={name}" for group, name in choices.items())
    rows["changed"] = _changed(run)
    if stands.wandb_id:
        project = found.settings.get("wandb.project")
        rows["W&B"] = f"run {stands.wandb_id} of {project}"
    return rows


def _state(found: Overview) -> Text:
    steps = [] if found.step is None else [f"step {found.step:,}"]
    if steps and found.steps is not None:
        steps.append(f"of {found.steps:,}")
    style = STYLES.get(found.state, "yellow")
    return Text.assemble((found.state, style), ", " if steps else "", " ".join(steps))


def _trained(found: Overview) -> str:
    status = found.status
    parts: list[str] = []
    if found.changed is not None and found.age is not None:
        when = (iso_time(found) or "").replace("T", " ").removesuffix("+00:00")
        parts.append(f"last written {when} UTC, {age(found.age)} ago")
    if status.get("seconds") is not None:
        parts.append(f"took {duration(float(status['seconds']))}")
    where = " ".join(str(status[key]) for key in ("host",) if status.get(key))
    device = status.get("device")
    parts.append(f"on {where or 'an unknown machine'}{f', {device}' if device else ''}")
    if status.get("images_per_second"):
        parts.append(f"{float(status['images_per_second']):,.0f} images/s")
    return ", ".join(parts)


def written_by(status: Mapping[str, Any]) -> str:
    """Return the versions of what wrote a run, in a line."""
    versions: Mapping[str, str] = status.get("versions") or {}
    words = [f"{name} {version}" for name, version in versions.items() if version]
    revision = status.get("git_revision")
    if revision:
        words.append(f"git {revision[:10]}{'+' if revision.endswith('+') else ''}")
    return ", ".join(words) or "not known"


def _changed(run: ComparedRun) -> str:
    changed = changed_settings(run)
    if changed is None:
        return "not known: config.yaml has all settings, without how they were chosen"
    shown = {k: v for k, v in changed.items() if not (k.startswith("metrics.") and v is None)}
    shown.pop("metrics.name", None)
    words = (f"{key}={'null' if v is None else value_text(v)}" for key, v in shown.items())
    return "  ".join(words) or "nothing: as the choices bring it"


def _as_json(
    found: Overview, run: ComparedRun, stands: Standing, records: list[Record]
) -> dict[str, Any]:
    return {
        "kind": "run",
        "path": found.path.as_posix(),
        "state": found.state,
        "error": found.error,
        "own": stands.is_own,
        "resume": stands.outlook,
        "checkpoint_step": stands.step,
        "wandb_id": stands.wandb_id,
        "last_written": iso_time(found),
        "status": dict(found.status),
        "choices": choices_of(run),
        "changed": changed_settings(run),
        "settings": dict(found.settings),
        "metrics": dict(found.metrics),
        "standard_errors": dict(run.errors),
        "warnings": list(run.warnings),
        "records": records_json(records),
        "figures": figures_of(found.path),
        "bytes": sizes(found.path),
    }
