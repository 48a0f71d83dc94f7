"""``vaerun resume GRID epochs=200``: the runs of a grid are to be trained to another length.

Nothing is trained here. The settings of each run get the new length, in its folder and then in
``grid.json``, and a run that was finished goes on. The grid is from then on the one with this
length: a worker, a launcher and a later ``resume`` know no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner import config as settings
from runner.config import RunConfig
from runner.config.composition import compose_run
from runner.errors import UsageError
from runner.grid.folder import GridFolder
from runner.grid.run_settings import key_of
from runner.store.lock import LockedError, is_locked, lock
from runner.store.run_folder import RunFolder
from runner.store.signature import sign


@dataclass(frozen=True)
class _Longer:
    """A run that has been begun, and its settings with the new length."""

    folder: RunFolder
    config: RunConfig
    end: int | None
    """Its last step; None where it is not known how many images an epoch has."""

    def write(self) -> None:
        """Let the run go on to its new length when a worker takes it."""
        with lock(self.folder.path):
            text = settings.to_yaml(self.config)
            sign(self.folder.path / "config.yaml", text.encode())
            self.folder.write_config(text)
            steps = {} if self.end is None else {"steps": self.end}
            finished = self.folder.read_status().get("state") == "finished"
            goes_on = {"state": "interrupted", "error": None} if finished else {}
            self.folder.update_status(**steps, **goes_on)


def lengthened(grid: GridFolder, numbers: Sequence[int], length: Sequence[str]) -> GridFolder:
    """Give runs of a grid another length, and return the grid with it.

    ``length`` are overrides, as of :func:`runner.config.overrides.steps_or_epochs`. Runs that
    diverged, were pruned or have stopped early stay as they are, and so do those that have been
    begun with a method that cannot be trained further: they would not go on.

    Raises: UsageError, before anything is written, where a run would end before the step at which
        it stands, is being trained, or would be the same as another; or for a length that is none.
    """
    chosen = [number for number in numbers if _goes_on(grid, number)]
    runs = [*grid.runs]
    for number in chosen:
        kept = [o for o in runs[number] if o.lstrip("+").partition("=")[0] not in settings.LENGTH]
        runs[number] = (*kept, *length)
    if not chosen:
        return grid
    compose_run([*runs[chosen[0]]])
    _require_different(runs, length)
    begun = [each for number in chosen if (each := _begun(grid, number, length)) is not None]
    for each in begun:
        each.write()
    longer = replace(grid, runs=tuple(runs))
    with lock(grid.path, seconds=60):
        longer.write()
    return longer


def _goes_on(grid: GridFolder, number: int) -> bool:
    if grid.state(number).state in ("diverged", "pruned"):
        return False
    folder = RunFolder(grid.run_path(number))
    if folder.read_status().get("stopped_early"):
        return False
    begun = (folder.path / "config.yaml").is_file()
    return not begun or settings.goes_on(settings.restore(folder.read_config(), []))


def _require_different(runs: Sequence[tuple[str, ...]], length: Sequence[str]) -> None:
    """Refuse two runs that would be the same.

    Raises: UsageError naming them.
    """
    first: dict[object, int] = {}
    for number, overrides in enumerate(runs):
        other = first.setdefault(key_of(overrides), number)
        if other != number:
            raise UsageError(
                f"with {length[0]} the runs {other} and {number} would be the same",
                "only=… chooses among them",
            )


def _begun(grid: GridFolder, number: int, length: Sequence[str]) -> _Longer | None:
    """Return a run that has been begun and is to go on; None: it has no folder, or is as long.

    Raises: UsageError.
    """
    path = grid.run_path(number)
    if not (path / "config.yaml").is_file():
        return None
    if is_locked(path):
        raise LockedError(path)
    folder = RunFolder.open(path)
    config = settings.restore(folder.read_config(), [*length])
    status = folder.read_status()
    step, images = int(status.get("step") or 0), status.get("train_images")
    if images is None:  # it has not come to its first step
        return _Longer(folder, config, None)
    end = settings.last_step(config, images)
    if end < step:
        asked = f"{length[0]} ends at step {end:,}, which"
        message = f"{asked} lies before step {step:,}, where the run stands"
        raise UsageError(f"'{path}': {message}")
    done = status.get("state") == "finished" and end == step
    return None if done else _Longer(folder, config, end)
