"""The own pieces of compared runs: loaded for the figures that they add."""

from __future__ import annotations

from collections.abc import Sequence

from runner.comparison.runs import ComparedRun
from runner.config.plugin_setting import Record, short_name
from runner.config.plugin_use import recorded_in, use
from runner.errors import VaerunError
from runner.store.run_folder import RunFolder
from runner.store.signature import is_own


def use_plugins_of_runs(runs: Sequence[ComparedRun], *, trusted: bool) -> list[str]:
    """Load the own pieces of runs, and return what keeps some of them from it, a line each.

    The code of a run that is not this user's is executed only if it is ``trusted``.
    """
    by_plugins: dict[object, list[ComparedRun]] = {}
    for run in runs:
        if run.settings.get("plugins"):
            by_plugins.setdefault(run.settings["plugins"], []).append(run)
    records: list[Record] = []
    notes: list[str] = []
    for alike in by_plugins.values():
        own = [run for run in alike if trusted or is_own(run.path / "config.yaml")]
        try:
            found = recorded_in(RunFolder(([*own, *alike])[0].path).read_config())
            if not own:
                names = ", ".join(short_name(record) for record in found)
                notes.append(
                    f"figures of {names}: the runs are not known as yours; --trust runs it"
                )
                continue
            use([*records, *(record for record in found if record not in records)])
            records += [record for record in found if record not in records]
        except VaerunError as error:
            notes.append(f"own figures are left out: {error.message}")
    if by_plugins:
        use(records)
    return notes
