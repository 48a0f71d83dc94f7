"""Deleting runs and comparisons: what is one, what belongs to it, and when it may not go."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runner.errors import DataError, UsageError, VaerunError
from runner.store.comparison_file import FILES as OF_COMPARISONS
from runner.store.comparison_file import read_figures
from runner.store.find_runs import all_runs
from runner.store.json_file import read_json
from runner.store.lock import LockedError, is_locked, lock
from runner.store.removal import Known, Part, Removal, look, remove
from runner.store.run_folder import FILES, STATES
from runner.store.run_schemas import Status
from runner.store.signature import is_own

_TEMPORARY = ".*.tmp"
"""What a process leaves that is killed while it writes."""

_PICTURES = Part(("*.png", "*.gif", "*.pdf", "*.svg", _TEMPORARY))
_PARTS = {
    "checkpoint": Part(("*.safetensors", "state.json", _TEMPORARY)),
    "checkpoint_best": Part(("*.safetensors", "state.json", _TEMPORARY)),
    "figures": _PICTURES,
    "tables": Part(("*.csv", _TEMPORARY)),
    "wandb": Part(
        ("run-*", "offline-run-*", "latest-run", "debug*.log", "settings", "wandb-resume.json"),
        whole=True,
    ),
    "tensorboard": Part(("events.out.tfevents.*",)),
    "export": Part(("*.onnx", "*.pt2", "model.json", _TEMPORARY)),
}
_PARTS_OF_COMPARISONS = {"comparison": Part((*OF_COMPARISONS, "*.png", "*.pdf", "*.svg"))}

OF_RUN = Known(
    files=(
        *(name for name in FILES if name not in _PARTS), ".config.yaml.signature", "metrics.csv",
        _TEMPORARY,
    ),
    parts={**_PARTS, **_PARTS_OF_COMPARISONS},
    last=("status.json", "config.yaml", ".config.yaml.signature", ".lock"),
)  # fmt: skip
"""What belongs to a run: what it is known by goes last, so that it can be deleted once more."""

OF_COMPARISON = Known(
    files=(*OF_COMPARISONS, _TEMPORARY),
    parts={"figures": _PICTURES},
    last=("comparison.json",),
)
OF_GRID = Known(
    files=("grid.json", ".grid.json.signature", ".lock", "log.txt", "study.jsonl", _TEMPORARY),
    parts={**_PARTS_OF_COMPARISONS, "slurm": Part(("*",), whole=True)},
    last=("grid.json", ".grid.json.signature", ".lock"),
)
"""What belongs to a grid beside its runs."""


@dataclass(frozen=True)
class Target:
    """A folder to be deleted."""

    path: Path
    kind: str
    """``run``, ``comparison``, or the grid that it is all of beside its runs."""
    known: Known
    found: Removal

    def delete(self) -> Removal:
        """Delete it, and return what went and what stays.

        Raises: LockedError when a process has begun to work in it; VaerunError where the system
            refuses.
        """
        try:
            if self.kind == "comparison":
                return remove(self.path, self.known)
            with lock(self.path):
                return remove(self.path, self.known)
        except OSError as error:
            place = error.filename or self.path
            hint = "the same command goes on with what is left"
            raise VaerunError(f"cannot delete '{place}': {error.strerror}", hint) from error


def run_target(path: Path) -> Target:
    """Return the run of a folder, with what is to go and to stay.

    Raises: UsageError where there is none, or the path is a link; LockedError where a process works
        in it.
    """
    refuse_places(path)
    if not is_run(path):
        raise _no_run(path)
    if is_locked(path):
        raise LockedError(path)
    return Target(path, "run", OF_RUN, look(path, OF_RUN))


def comparison_target(path: Path) -> Target | None:
    """Return the comparison of a folder, or None where there is none."""
    refuse_places(path)
    file = path / "comparison.json"
    if file.is_symlink() or not file.is_file():
        return None
    with suppress(DataError, UsageError):
        read_figures(path, path)
        return Target(path, "comparison", OF_COMPARISON, look(path, OF_COMPARISON))
    return None


def is_run(path: Path) -> bool:
    """Return whether a folder is known to be a run: by its signature, or by its state.

    A file ``config.yaml`` alone may be any program's.
    """
    config, status = path / "config.yaml", path / "status.json"
    if not config.is_file() or config.is_symlink():
        return False
    if is_own(config):
        return True
    if status.is_symlink():
        return False
    with suppress(DataError, UsageError):
        return read_json(status, Status).get("state") in STATES
    return False


def refuse_places(path: Path) -> None:
    """Refuse to delete a link, or a folder that this process is in.

    Raises: UsageError.
    """
    if path.is_symlink():
        hint = f"name the folder itself: {path.resolve()}"
        raise UsageError(f"'{path}' is a link, and links are not followed", hint)
    if not path.is_dir():
        raise UsageError(f"there is no folder '{path}'")
    if Path.cwd().is_relative_to(path.resolve()):
        raise UsageError(f"'{path}' is, or holds, the current folder", "go to another one first")


def _no_run(path: Path) -> UsageError:
    inside = all_runs(path)
    if inside and inside != [path]:
        found = f"{len(inside):,} runs" if len(inside) > 1 else "a run"
        hint = f"name each of them, such as {inside[0]}"
        return UsageError(f"'{path}' is no run, but a folder that holds {found}", hint)
    return UsageError(
        f"'{path}' is not known to be a run, a grid or a comparison of vaerun",
        "what vaerun does not know it does not delete",
    )
