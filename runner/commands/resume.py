"""``vaerun resume``: go on with a run or a grid exactly where it stopped."""

from __future__ import annotations

from pathlib import Path

from runner.commands.arguments import Arguments
from runner.commands.manual import RESUME
from runner.commands.overrides import steps_or_epochs
from runner.errors import UsageError


def run(arguments: Arguments) -> int:
    """Go on with the run or the grid of a folder, and return the exit code.

    Raises: VaerunError for arguments that cannot be carried out, or for a run that failed.
    """
    if len(arguments.operands) != 1:
        raise UsageError("resume takes the folder of one run, or of one grid", RESUME.usage[0])
    path = Path(arguments.operands[0])
    if (path / "grid.json").is_file():
        from runner.commands.sweep import resume_grid

        return resume_grid(path, arguments)
    if "--config-dir" in arguments.flags:
        hint = "its config.yaml has all settings: vaerun resume DIR"
        raise UsageError("--config-dir is for grids: a run that goes on does not compose", hint)
    from runner.runs.train import resume

    trusted = "--trust" in arguments.flags
    resume(path, steps_or_epochs(arguments.overrides), trusted=trusted)
    return 0
