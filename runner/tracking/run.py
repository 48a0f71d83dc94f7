"""A run on W&B, whatever the state of the key, the network and the server.

A setting that W&B does not accept stops a run before it starts; a later failure of W&B never does.
wandb is imported only where a run needs it.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from runner.config import WandbConfig
from runner.errors import UsageError, VaerunError
from runner.store.run_folder import RunFolder
from runner.tracking.flatten import flatten
from runner.tracking.mode import Mode, one_line, resolve_mode, silent_wandb
from runner.tracking.rows import Row
from runner.tracking.upload import sign_log

if TYPE_CHECKING:
    import wandb

INIT_SECONDS = 20.0
"""How long a server that accepts connections may take to register a run."""

FINISH_SECONDS = 60.0
"""How long the end of a run waits for uploads; the rest stays in the run folder."""

_BEST: Mapping[str, Callable[[float, float], float]] = {
    "validation/elbo": max,
    "validation/loss": min,
}
"""What the summary has the best of, as one number: a sweep's ``metric`` may not be nested."""

_log = logging.getLogger(__name__)


class WandbRun:
    """One run on W&B, a context manager that finishes it in every case.

    ``mode`` is "online", "offline" or "disabled", and ``reason`` says why, in one line. When W&B
    fails, ``mode`` becomes "disabled", one warning is logged, and every method does nothing from
    then on. ``id`` is W&B's name of the run; a run that is resumed is started with it as
    ``run_id``.
    """

    label = "W&B"

    def __init__(  # noqa: PLR0913 - a place on W&B, and what is said of the run there
        self,
        settings: WandbConfig,
        *,
        folder: Path,
        name: str,
        config: Mapping[str, Any],
        run_id: str | None = None,
        mode: Mode | None = None,
    ) -> None:
        """Start the run; ``mode`` is what :func:`resolve_mode` returned, if it was called before.

        Raises: UsageError as :func:`resolve_mode`, or where W&B does not accept a setting; then
            nothing is left in the folder.
        """
        self.id = run_id
        self.mode, self.reason = mode or resolve_mode(settings.mode)
        self._folder = folder
        self._is_resumed = run_id is not None
        self._summary: dict[str, Any] = {}
        self._tables: dict[str, wandb.Table] = {}
        self._best: dict[str, float] = {}
        self._run: wandb.Run | None = None
        if self.mode == "disabled":
            return
        arguments: dict[str, Any] = {
            "dir": folder,
            "project": settings.project,
            "entity": settings.entity,
            "group": settings.group,
            "tags": settings.tags,
            "name": name,
            "config": dict(config),
            "id": run_id,
        }
        self._run = self._start(arguments)
        if self._run is not None:
            self.id = self._run.id  # `wandb agent` assigns an id of its own
            if self.mode == "offline":
                sign_log(Path(self._run.dir).parent / f"run-{self.id}.wandb")
            self.reason = (self._run.url if self.mode == "online" else None) or self.reason

    @property
    def shown(self) -> str:
        """The mode, and its reason or the run's address."""
        return f"{self.mode}: {self.reason}"

    def begin(self, step: int, *, trains: bool) -> None:
        """Take the best of the records so far."""
        del step, trains
        if self._run is not None and self._is_resumed:
            self._attempt(lambda _: self._see(*RunFolder(self._folder).iterate_records()))

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Add a row to the history, and to the summary what is the best so far."""
        self._attempt(lambda run: run.log({**record, "step": step}, step=step))
        if self._see(record):
            self._attempt(lambda run: run.summary.update(self._best))

    def log_images(self, paths: Mapping[str, Path], step: int) -> None:
        """Add pictures to the row of ``step``, as ``figures/NAME``."""
        self.log_figures(paths, step)

    def log_figures(self, paths: Mapping[str, Path], step: int) -> None:
        """Add pictures (PNG) and animations (GIF) to the row of ``step``, as ``figures/NAME``."""
        self._attempt(lambda run: run.log({**_media(paths), "step": step}, step=step))

    def keep_figures(self, paths: Mapping[str, Path]) -> None:
        """Put pictures into the summary: a run resumed only to be evaluated logs no row."""
        if self._run is not None:
            self._summary.update(_media(paths))

    def keep_table(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Put a table into the summary, as ``tables/NAME``."""
        if self._run is not None:
            data = [list(row) for row in rows]
            table = silent_wandb().Table(columns=list(columns), data=data)
            self._tables[f"tables/{name}"] = table

    def summarize(self, summary: Mapping[str, Any]) -> None:
        """Set summary values; the keys of nested mappings are joined by "/"."""
        self._summary.update(flatten(summary))

    def finish(self, exit_code: int) -> None:
        """Finish the run, waiting for uploads up to a limit; a second call does nothing."""
        self._attempt(self._write_summary)
        if self._tables:  # after the numbers: each is an artifact, which asks more of the server
            self._attempt(lambda run: run.summary.update(self._tables))
        self._attempt(lambda run: run.finish(exit_code=exit_code))
        self._run = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        ordinary = 0 if error is None else 1
        self.finish(error.exit_code if isinstance(error, VaerunError) else ordinary)

    def _see(self, *records: Mapping[str, float | None]) -> bool:
        """Take the best of some records, and return whether they have any such number."""
        found = [(name, r.get(name)) for r in records for name in _BEST]
        known = [(name, v) for name, v in found if v is not None and math.isfinite(v)]
        for name, value in known:
            self._best[name] = _BEST[name](value, self._best.get(name, value))
        return bool(known)

    def _start(self, arguments: dict[str, Any]) -> wandb.Run | None:
        """Return the run in the resolved mode or, if that fails, offline; None if both fail."""
        wandb = silent_wandb()
        before = _entries(self._folder)
        for mode in dict.fromkeys((self.mode, "offline")):
            try:
                run = _init(mode, arguments)
            except (wandb.errors.UsageError, wandb.errors.AuthenticationError, ValueError) as error:
                _remove(_entries(self._folder) - before)
                raise UsageError(f"W&B: {one_line(error)}") from error
            except Exception as error:  # W&B raises errors of many kinds
                self.reason = f"W&B did not take the run ({one_line(error)})"
                if not isinstance(error, wandb.Error):
                    _forget_client()
            else:
                self.mode = mode
                return run
        self.mode = "disabled"
        return None

    def _attempt(self, action: Callable[[wandb.Run], object]) -> None:
        """Call ``action`` with the run; if it fails, disable W&B for the rest of the run."""
        if self._run is None:
            return
        try:
            action(self._run)
        except Exception as error:  # W&B raises errors of many kinds
            self._give_up(self._run, error)

    def _give_up(self, run: wandb.Run, error: Exception) -> None:
        self._run = None
        self.mode = "disabled"
        self.reason = one_line(error)
        if isinstance(error, TimeoutError):
            rest = self._folder / "wandb" / f"run-*-{self.id}"
            self.reason = f"the upload is unfinished, `wandb sync {rest}` goes on with it"
        _log.warning("W&B has stopped: %s", self.reason)
        if isinstance(error, ConnectionError):
            _forget_client()
        with suppress(Exception):
            run.finish(exit_code=1)

    def _write_summary(self, run: wandb.Run) -> None:
        """Write the summary after the last row, whose values would otherwise replace it."""
        before = _known_before(self._folder) if self._is_resumed else {}
        if summary := {**before, **self._summary, **self._best}:
            run.log({}, commit=True)
            run.summary.update(summary)


def _init(mode: str, arguments: dict[str, Any]) -> wandb.Run:
    """Return a new run, which prints nothing and shares nothing with others of the process."""
    wandb = silent_wandb()
    settings = wandb.Settings(
        console="off",
        silent=True,
        save_code=False,
        disable_git=True,  # wandb would look at the current folder, which need not be the code's
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
    )
    resume = "allow" if arguments["id"] and mode == "online" else None
    run = wandb.init(
        **arguments,
        job_type="train",
        mode=cast("Any", mode),
        resume=resume,
        reinit="create_new",
        settings=settings,
    )
    run.define_metric("*", step_metric="step")
    run.define_metric("step", hidden=True)
    run.define_metric("loss", step_metric="step", summary="min,last")
    for name in _BEST:
        run.define_metric(name, step_metric="step", summary="none")
    return run


def _known_before(folder: Path) -> dict[str, Any]:
    """Return the summary of a resumed run so far, from its folder.

    Each part of the run is uploaded with a summary of its own, of which the last one stays.
    """
    record: Mapping[str, Any] = {}
    least, last = math.inf, None
    for record in RunFolder(folder).iterate_records():
        if (loss := record.get("loss")) is not None:
            least, last = min(least, loss), loss
    known: dict[str, Any] = {**record}
    if last is not None:
        known["loss"] = {"min": least, "last": last}
    summary = RunFolder(folder).read_summary()
    if summary.get("step", 0) >= known.get("step", 0):  # else it is out of date
        known |= dict(flatten(summary))
    return known


def _entries(folder: Path) -> set[Path]:
    """Return what W&B has in a run folder, and the folder of it."""
    return {*folder.glob("wandb"), *folder.glob("wandb/*")}


def _remove(entries: set[Path]) -> None:
    """Delete what W&B made before it refused a run; links are deleted, and not followed."""
    for path in sorted(entries, reverse=True):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _forget_client() -> None:
    """Drop wandb's dead background process, so that the next run gets a new one."""
    with suppress(Exception):
        silent_wandb().teardown(exit_code=1)


def _media(paths: Mapping[str, Path]) -> dict[str, Any]:
    kinds = {".png": silent_wandb().Image, ".gif": silent_wandb().Video}
    shown = {name: path for name, path in paths.items() if path.suffix in kinds}  # W&B has no PDF
    return {f"figures/{name}": kinds[path.suffix](str(path)) for name, path in shown.items()}
