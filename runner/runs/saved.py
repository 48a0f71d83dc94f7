"""What the folder of an earlier run holds, read and checked before anything is written to it."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import runner
from runner import config as settings
from runner.config import (
    TABLES_WITHOUT_A_PATH,
    DatasetConfig,
    FolderConfig,
    OwnDatasetConfig,
    RunConfig,
)
from runner.config.composition import compose_run
from runner.errors import DataError, UsageError
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import load as load_checkpoint
from runner.store.lock import LockedError
from runner.store.run_folder import RunFolder
from runner.store.signature import is_own


@dataclass(frozen=True)
class SavedRun:
    """The settings and the last checkpoint of a run."""

    folder: RunFolder
    config: RunConfig
    checkpoint: Checkpoint | None
    """None for a run that was killed before its first checkpoint."""
    is_trusted: bool
    """Whether it goes on where it logged: a run of this user, or one that the user trusts."""
    note: str | None
    """What is left undone of what the folder asks for, in one line."""
    stamp: tuple[object, ...]
    """What changes when another process works in the folder."""

    @property
    def step(self) -> int:
        """The step at which the run stands."""
        return self.checkpoint.state["step"] if self.checkpoint else 0

    @property
    def wandb_id(self) -> str | None:
        """The id of its W&B run, for whoever may go on with that."""
        known = self.checkpoint is not None and self.is_trusted
        return self.checkpoint.state.get("wandb_id") if self.checkpoint and known else None

    @classmethod
    def read(cls, path: Path, overrides: Sequence[str], *, trusted: bool) -> SavedRun:
        """Return the run of a folder, with some of its settings changed.

        Where the results of a run go (W&B, ``data_dir``) is the choice of whoever goes on with it:
        the settings of a stranger's run are followed in this only if it is ``trusted``.

        Raises: UsageError where there is no run, or its settings are wrong; DataError where the
            checkpoint is corrupt, or missing although the run has made steps.
        """
        folder = RunFolder.open(path)
        stamp = _stamp(folder)
        with naming_version(version_of(folder)):
            config = settings.restore(folder.read_config(), list(overrides))
        note = None
        trusted = trusted or is_own(path / "config.yaml")
        if not trusted:
            config, note = _at_home(config, overrides)
        return cls(folder, config, _checkpoint(folder), trusted, note, stamp)

    def require_unchanged(self) -> None:
        """Raise LockedError if another process has worked in the folder since it was read."""
        if _stamp(self.folder) != self.stamp:
            raise LockedError(self.folder.path)


def version_of(folder: RunFolder) -> str | None:
    """Return the version of vaerun that last wrote a run, or None where it is not known."""
    versions = folder.read_status().get("versions")
    version = cast("dict[str, object]", versions).get("vaerun") if versions else None
    return None if version is None else str(version)


@contextmanager
def naming_version(version: str | None) -> Generator[None]:
    """Name the version that wrote the run in a UsageError raised within, if it is another one.

    Raises: UsageError in place of one raised within.
    """
    try:
        yield
    except UsageError as error:
        if version in (None, runner.__version__):
            raise
        message = f"{error.message}; the run was written by vaerun {version}"
        hint = f"this is vaerun {runner.__version__}, which may not restore it"
        raise UsageError(message, hint) from error


def _stamp(folder: RunFolder) -> tuple[object, ...]:
    """Return what identifies the content of a folder: both files are replaced at every change."""
    found: list[object] = []
    for name in ("config.yaml", "status.json", "checkpoint/state.json"):
        try:
            status = (folder.path / name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def _checkpoint(folder: RunFolder) -> Checkpoint | None:
    """Return the checkpoint, or None where the run was killed before its first one.

    Raises: DataError when it is corrupt, or the run has made steps and it is missing.
    """
    state = folder.path / "checkpoint" / "state.json"
    if state.is_file():
        return load_checkpoint(folder.path / "checkpoint")
    step = _known_step(folder)
    if step == 0 and not state.is_symlink():
        return None
    raise DataError(
        f"'{folder.path}' has come to step {step:,}, but its checkpoint/state.json is missing",
        "put the folder checkpoint back, or start a new run with the settings of its config.yaml",
    )


def _known_step(folder: RunFolder) -> int:
    """Return the step that a run has come to, as its files other than the checkpoint say."""
    files: list[dict[str, Any]] = [folder.read_status(), folder.read_summary()]
    steps = [content.get("step") for content in [*files, *folder.read_records()[-1:]]]
    return max((step for step in steps if isinstance(step, int)), default=0)


def _at_home(config: RunConfig, overrides: Sequence[str]) -> tuple[RunConfig, str | None]:
    """Return settings whose results go where the reader says, and a note on what is not followed.

    What the reader has not said is as in a new run, and W&B is off.

    Raises: UsageError where images of the reader's disk are asked for.
    """
    given = {override.partition("=")[0] for override in overrides}
    _require_own_images(config.dataset, given)
    own = compose_run([])
    places: dict[str, Any] = {
        f"wandb.{key}": getattr(own.wandb, key) for key in ("project", "entity")
    }
    places |= {"wandb.mode": "disabled", "data_dir": own.data_dir, "out": own.out}
    wandb = {k.removeprefix("wandb."): v for k, v in places.items() if k not in given}
    of_run = {key: wandb.pop(key) for key in ("data_dir", "out") if key in wandb}
    there, parts = config.wandb, list[str]()
    if "mode" in wandb and there.mode != "disabled" and "wandb" in config.tracking.to:
        names = [f"wandb.entity={there.entity}"] if there.entity else []
        parts.append(
            f"W&B is off, in place of {' '.join([*names, f'wandb.project={there.project}'])}"
        )
    if "data_dir" in of_run and config.data_dir != own.data_dir:
        parts.append(f"data_dir={own.data_dir} in place of {config.data_dir}")
    changed = replace(config, **of_run, wandb=replace(there, **wandb))
    if not parts:
        return changed, None
    return changed, f"not known as yours: {'; '.join(parts)}; --trust follows the folder"


def _require_own_images(dataset: DatasetConfig, given: Collection[str]) -> None:
    """Refuse to read images and tables from where a stranger's settings say.

    Raises: UsageError.
    """
    paths = {"dataset.path": dataset.path} if isinstance(dataset, OwnDatasetConfig) else {}
    if isinstance(dataset, FolderConfig) and dataset.factors not in TABLES_WITHOUT_A_PATH:
        paths["dataset.factors"] = dataset.factors
    for key, path in paths.items():
        if key not in given:
            raise UsageError(
                f"not known as yours, and it would read {key}={path}",
                f"{key}=… says where yours are, --trust follows the folder",
            )
