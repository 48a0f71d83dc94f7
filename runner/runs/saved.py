"""What the folder of an earlier run holds, read and checked before anything is written to it."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import runner
from runner import config as settings
from runner.config import (
    TABLES_WITHOUT_A_PATH,
    DatasetConfig,
    FolderConfig,
    OwnDataConfig,
    RunConfig,
)
from runner.config.composition import compose_run
from runner.config.plugin_setting import short_name
from runner.config.plugin_use import restored, unchanged
from runner.errors import DataError, UsageError
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import load as load_checkpoint
from runner.store.lock import LockedError
from runner.store.run_folder import RunFolder
from runner.store.signature import is_own

if TYPE_CHECKING:
    from runner.dataset import Dataset  # imports torch, which settings alone do not need

_GO_ON = ("steps", "epochs", "training.stop_early")
"""Settings that ask a run that stopped early to train further."""


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
    goes_on: bool = False
    """Whether it is to train further where it stopped early."""

    @property
    def step(self) -> int:
        """The step at which the run stands."""
        return self.checkpoint.state["step"] if self.checkpoint else 0

    @property
    def is_stopped(self) -> bool:
        """Whether it has stopped early, and is not to go on from there."""
        return self._had_stopped and not self.goes_on

    @property
    def restarted(self) -> int:
        """The step at which it goes on, or once went on, after it had stopped early."""
        if self._had_stopped and self.goes_on:
            return self.step
        return self.checkpoint.state.get("restarted", 0) if self.checkpoint else 0

    @property
    def _had_stopped(self) -> bool:
        return self.checkpoint is not None and self.checkpoint.state.get("stopped_early", False)

    @property
    def wandb_id(self) -> str | None:
        """The id of its W&B run, for whoever may go on with that."""
        known = self.checkpoint is not None and self.is_trusted
        return self.checkpoint.state.get("wandb_id") if self.checkpoint and known else None

    @classmethod
    def read(
        cls,
        path: Path,
        overrides: Sequence[str],
        *,
        trusted: bool,
        files: Collection[str] | None = None,
    ) -> SavedRun:
        """Return the run of a folder, with some of its settings changed.

        Where the results of a run go (W&B, ``data_dir``) is the choice of whoever goes on with it:
        the settings of a stranger's run are followed in this only if it is ``trusted``, and so is
        the code of own pieces that they name. With ``files``, such as ``("model",)``, these of the
        checkpoint alone are read, and the settings are as the folder has them: for whoever follows
        none of them.

        Raises: UsageError where there is no run, or its settings are wrong; DataError where the
            checkpoint is corrupt, or missing although the run has made steps.
        """
        folder = RunFolder.open(path)
        stamp = _stamp(folder)
        text = folder.read_config()
        trusted = trusted or is_own(path / "config.yaml", text.encode())

        config = _restored(folder, text, overrides, trusted=trusted)
        note = None
        if not trusted and files is None:
            with unchanged():
                config, note = _at_home(config, overrides)
        checkpoint = _checkpoint(folder, files)
        if config.init_from is not None and checkpoint is None and not trusted:
            message = f"not known as yours, and it would read init_from={config.init_from}"
            raise UsageError(message, "--trust follows the folder")
        keys = [override.partition("=")[0] for override in overrides]
        goes_on = any(key.startswith(_GO_ON) for key in keys)
        return cls(folder, config, checkpoint, trusted, note, stamp, goes_on)

    def require_unchanged(self) -> None:
        """Raise LockedError if another process has worked in the folder since it was read."""
        if _stamp(self.folder) != self.stamp:
            raise LockedError(self.folder.path)


def saved_settings(path: Path, *, trusted: bool) -> RunConfig:
    """Return the settings of a run as its folder has them, after its own pieces are loaded.

    Raises: UsageError where there is no run, its settings are wrong, or its own pieces are a
        stranger's that is not trusted.
    """
    folder = RunFolder.open(path)
    text = folder.read_config()
    own = trusted or is_own(path / "config.yaml", text.encode())
    return _restored(folder, text, [], trusted=own)


def use_plugins_of(path: Path, overrides: Sequence[str], *, trusted: bool) -> None:
    """Let settings have the own pieces of a run.

    Raises: UsageError where they cannot be loaded, or are a stranger's that is not trusted.
    """
    text = RunFolder.open(path).read_config()
    own = trusted or is_own(path / "config.yaml", text.encode())
    _with_plugins(text, overrides, trusted=own)


def _restored(
    folder: RunFolder, text: str, overrides: Sequence[str], *, trusted: bool
) -> RunConfig:
    """Return the settings of a run, some of them changed, after its own pieces are loaded."""
    changed = _with_plugins(text, overrides, trusted=trusted)
    with naming_version(version_of(folder)):
        return settings.restore(text, changed)


def _with_plugins(text: str, overrides: Sequence[str], *, trusted: bool) -> list[str]:
    """Load the own pieces of a run, and return the overrides with those that are given recorded."""

    def allow(plugins: Sequence[settings.Record]) -> None:
        if not trusted:
            raise _refusal_of(plugins)

    return restored(text, overrides, allow)


def _refusal_of(plugins: Sequence[settings.Record]) -> UsageError:
    """Return the error for a stranger's run that would execute code."""
    names = [each.get("path") or each["name"] for each in plugins]
    message = f"not known as yours, and it would run the code of '{names[0]}'"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    hint = f"plugins=[{short_name(plugins[0])}] names your own copy, --trust runs what it names"
    return UsageError(message + more, hint)


def require_same_images(config: RunConfig, dataset: Dataset, folder: RunFolder) -> None:
    """Refuse images of the user's own that are not those that a run was trained on, unless asked.

    Raises: UsageError.
    """
    own, known = config.dataset, folder.read_status().get("images_digest")
    if not isinstance(own, OwnDataConfig) or known in (None, dataset.digest):
        return
    if own.changed != "accept":
        raise UsageError(
            f"the images of '{own.path}' are not those that '{folder.path}' was trained on",
            "put them back, or dataset.changed=accept goes on with what is there now",
        )


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


def _checkpoint(folder: RunFolder, files: Collection[str] | None) -> Checkpoint | None:
    """Return the checkpoint, or None where the run was killed before its first one.

    Raises: DataError when it is corrupt, or the run has made steps and it is missing.
    """
    state = folder.path / "checkpoint" / "state.json"
    if state.is_file():
        return load_checkpoint(folder.path / "checkpoint", files)
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
    paths = {"dataset.path": dataset.path} if isinstance(dataset, OwnDataConfig) else {}
    if isinstance(dataset, FolderConfig) and dataset.factors not in TABLES_WITHOUT_A_PATH:
        paths["dataset.factors"] = dataset.factors
    for key, path in paths.items():
        if key not in given:
            raise UsageError(
                f"not known as yours, and it would read {key}={path}",
                f"{key}=… says where yours are, --trust follows the folder",
            )
