"""``vaerun delete``: runs, grids and comparisons go, after a question; nothing else does."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.manual_of_runs import DELETE
from runner.console.lines import one_line
from runner.console.run_display import make_console, print_note
from runner.errors import UsageError
from runner.grid.deletion import grid_of, grid_targets
from runner.grid.folder import is_grid
from runner.store.deletion import Target, comparison_target, run_target
from runner.store.signature import is_own
from runner.store.sizes import size_text

_MOST_SHOWN = 20
_MOST_LEFT = 5


def run(arguments: Arguments) -> int:
    """Delete what the folders that are named hold, and return the exit code.

    What goes is listed on stderr; the folders that are gone are printed on stdout.

    Raises: UsageError where a folder may not be deleted, or nobody can be asked; nothing is deleted
        then. VaerunError where the system refuses.
    """
    targets = _targets(arguments)
    console = make_console()
    _tell(console, targets)
    if "--dry-run" in arguments.flags:
        return 0
    if "--yes" not in arguments.flags and not _agreed(console, targets):
        print_note(console, "nothing is deleted")
        return 0
    for target in targets:
        done = target.delete()
        if not done.left:
            sys.stdout.write(f"{target.path}\n")
    return 0


def _targets(arguments: Arguments) -> list[Target]:
    """Return what is to be deleted, each once, every folder checked before the first goes.

    Raises: UsageError.
    """
    if arguments.overrides:
        raise UsageError(f"delete takes folders, not settings such as '{arguments.overrides[0]}'")
    if not arguments.operands:
        raise UsageError("delete takes folders of runs, grids or comparisons", DELETE.usage[0])
    found: dict[Path, Target] = {}
    for name in arguments.operands:
        for target in _of(Path(name)):
            found.setdefault(target.path.resolve(), target)
    # A grid is deleted after its runs, whichever was named first.
    targets = sorted(found.values(), key=lambda target: target.kind == "grid")
    if not {"--yes", "--dry-run"} & arguments.flags.keys() and not _can_ask():
        raise UsageError("delete asks on a terminal", "--yes deletes without asking")
    return targets


def _of(path: Path) -> list[Target]:
    """Return what the folder of one argument stands for."""
    if is_grid(path) and not path.is_symlink():
        return grid_targets(path)
    comparison = comparison_target(path)
    return [run_target(path) if comparison is None else comparison]


def _tell(console: Console, targets: Sequence[Target]) -> None:
    """List what would go with its size, and what would stay."""
    grids = {target.path.resolve() for target in targets if target.kind == "grid"}
    alone = [target for target in targets if not _is_of(target, grids)]
    for target in alone[:_MOST_SHOWN]:
        parts = [each for each in targets if _is_of(each, {target.path.resolve()})]
        size = size_text(sum(each.found.bytes for each in (target, *parts)))
        runs = f"{len(parts):,} run{'' if len(parts) == 1 else 's'}, "
        words = f"{runs if target.kind == 'grid' else ''}{size}{_owner(target)}"
        line = f"{target.kind:>12}  {one_line(str(target.path))}  {words}"
        console.print(Text(line), soft_wrap=True)
    if len(alone) > _MOST_SHOWN:
        console.print(Text(f"{'':>12}  and {len(alone) - _MOST_SHOWN:,} more", "dim"))
    for target in targets:
        _tell_left(console, target)
    for target in alone:
        _tell_number(console, target)


def _is_of(target: Target, grids: Collection[Path]) -> bool:
    """Return whether a target is a run of one of these grids, which are deleted as a whole."""
    return target.kind == "run" and target.path.resolve().parent in grids


def _tell_number(console: Console, target: Target) -> None:
    """Say what becomes of a grid that loses one of its runs."""
    member = grid_of(target.path) if target.kind == "run" else None
    if member is not None:
        grid, number = member
        place = os.path.relpath(grid.path)
        print_note(console, f"resume of the grid '{place}' would train run {number} anew")


def _owner(target: Target) -> str:
    file = {"run": "config.yaml", "grid": "grid.json"}.get(target.kind)
    is_strange = file is not None and not is_own(target.path / file)
    return "  not known as yours" if is_strange else ""


def _tell_left(console: Console, target: Target) -> None:
    left = target.found.left
    for name in left[:_MOST_LEFT]:
        place = one_line(f"{target.path}/{name}")
        print_note(console, f"'{place}' is not of a {target.kind}, and stays")
    if len(left) > _MOST_LEFT:
        print_note(console, f"{len(left) - _MOST_LEFT:,} more of '{target.path}' stay")


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(console: Console, targets: Sequence[Target]) -> bool:
    """Ask on the terminal, and return whether the answer is yes; the default is no."""
    counts = Counter(target.kind for target in targets)
    words = ", ".join(f"{n:,} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items())
    size = size_text(sum(target.found.bytes for target in targets))
    console.print(f"delete {words}, {size}? [y/N] ", end="")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
