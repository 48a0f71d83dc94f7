"""All trackers of a run as one: the rest of the program does not know which were chosen.

What cannot start is refused before anything is written. A tracker that fails later is reported in
one line and dropped, and the run goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from runner.config import RunConfig, plain
from runner.errors import DataError, VaerunError
from runner.store.confined import confined, file_place
from runner.tracking.csv_table import CsvTable
from runner.tracking.event_file import require_tensorboard
from runner.tracking.mode import Mode, one_line, resolve_mode
from runner.tracking.rows import Row
from runner.tracking.run import WandbRun
from runner.tracking.tensorboard_log import TensorboardLog

_log = logging.getLogger(__name__)


class Tracker(Protocol):
    """Somewhere that the records and the pictures of a run go."""

    @property
    def label(self) -> str:
        """The name that people know it by."""
        ...

    @property
    def shown(self) -> str:
        """Where the run is to be found there, or why it is not, in one line."""
        ...

    def begin(self, step: int, *, trains: bool) -> None:
        """Take up a run at a step, to which its records have been rewound.

        ``trains``: whether it goes on training, or is evaluated at that step alone.
        """
        ...

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Take a record, which the run folder has already."""
        ...

    def log_images(self, paths: Mapping[str, Path], step: int) -> None:
        """Take pictures that are drawn every so many steps, by name."""
        ...

    def log_figures(self, paths: Mapping[str, Path], step: int) -> None:
        """Take the final pictures (PNG) and animations (GIF), by name."""
        ...

    def keep_figures(self, paths: Mapping[str, Path]) -> None:
        """Take pictures of a run that was opened again only to be evaluated."""
        ...

    def keep_table(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Take a table of the evaluation, which the run folder has already."""
        ...

    def summarize(self, summary: Mapping[str, Any]) -> None:
        """Take final numbers, in nested mappings by name."""
        ...

    def finish(self, exit_code: int) -> None:
        """End; a second call does nothing."""
        ...


def check_trackers(config: RunConfig, folder: Path) -> Mode:
    """Check that the chosen trackers can start in a run folder, and return the mode of W&B.

    Nothing is written. The folder need not exist.

    Raises: UsageError for settings of W&B, a library that is missing, or a link out of the folder;
        DataError where something else is in the place of a tracker's files.
    """
    chosen = config.tracking.to
    if "tensorboard" in chosen:
        require_tensorboard()
        place = confined(folder / "tensorboard", folder)
        if place.exists() and not place.is_dir():
            raise DataError(f"'{folder / 'tensorboard'}' is a file, not a folder")
    if "csv" in chosen:
        file_place(folder / "metrics.csv", folder)
    if "wandb" in chosen:
        return resolve_mode(config.wandb.mode)
    return "disabled", "tracking.to leaves it out"


class Trackers:
    """The trackers of one run, a context manager that finishes them in every case."""

    def __init__(self, config: RunConfig, folder: Path, run_id: str | None, mode: Mode) -> None:
        """Start what ``tracking.to`` names.

        Args:
            config: the settings of the run.
            folder: its folder.
            run_id: the W&B run to go on with; None: a new one.
            mode: what :func:`check_trackers` returned.

        Raises: UsageError where W&B does not accept a setting.
        """
        chosen, settings = config.tracking.to, plain(config)
        self._wandb_id = run_id
        self._wandb: WandbRun | None = None
        self._active: list[Tracker] = []
        if "csv" in chosen:
            self._active.append(CsvTable(folder))
        if "tensorboard" in chosen:
            self._active.append(TensorboardLog(folder, settings))
        if "wandb" in chosen:  # the last, as it waits for uploads at the end
            name = config.name
            self._wandb = WandbRun(
                config.wandb, folder=folder, name=name, config=settings, run_id=run_id, mode=mode
            )
            self._active.append(self._wandb)

    @property
    def wandb_id(self) -> str | None:
        """The id by which the run goes on at W&B, also after it was resumed without W&B."""
        return self._wandb.id if self._wandb else self._wandb_id

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Each tracker's name and where the run is to be found, W&B first."""
        return [(tracker.label, tracker.shown) for tracker in reversed(self._active)]

    def begin(self, step: int, *, trains: bool) -> None:
        """Take up the run at a step, to which its records have been rewound."""
        self._each(lambda tracker: tracker.begin(step, trains=trains))

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Add a record, which the run folder has already."""
        self._each(lambda tracker: tracker.log(record, step))

    def log_images(self, paths: Mapping[str, Path], step: int) -> None:
        """Add pictures that are drawn every so many steps, by name."""
        self._each(lambda tracker: tracker.log_images(paths, step))

    def log_figures(self, paths: Mapping[str, Path], step: int) -> None:
        """Add the final pictures (PNG) and animations (GIF), by name."""
        self._each(lambda tracker: tracker.log_figures(paths, step))

    def keep_figures(self, paths: Mapping[str, Path]) -> None:
        """Add pictures of a run that was opened again only to be evaluated."""
        self._each(lambda tracker: tracker.keep_figures(paths))

    def keep_table(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add a table of the evaluation, which the run folder has already."""
        self._each(lambda tracker: tracker.keep_table(name, columns, rows))

    def summarize(self, summary: Mapping[str, Any]) -> None:
        """Set final numbers, in nested mappings by name."""
        self._each(lambda tracker: tracker.summarize(summary))

    def finish(self, exit_code: int) -> None:
        """Finish all; a second call does nothing."""
        self._each(lambda tracker: tracker.finish(exit_code))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        ordinary = 0 if error is None else 1
        self.finish(error.exit_code if isinstance(error, VaerunError) else ordinary)

    def _each(self, action: Callable[[Tracker], object]) -> None:
        """Call ``action`` with every tracker; one that fails is dropped, in one line."""
        for tracker in list(self._active):
            try:
                action(tracker)
            except Exception as error:  # those of a full disk, a library, a file of someone else
                self._active.remove(tracker)
                _log.warning("%s has stopped: %s", tracker.label, _reason(error))
                with suppress(Exception):
                    tracker.finish(1)


def _reason(error: Exception) -> str:
    """Return what went wrong, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f', {error.filename!r}' if error.filename else ''}"
    return error.message if isinstance(error, VaerunError) else one_line(error)
