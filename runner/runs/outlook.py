"""What ``vaerun resume`` would do with a run, told without loading its model or its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import config as settings
from runner.config import OwnDataConfig, RunConfig
from runner.config.plugin_use import recorded_in
from runner.errors import DataError, VaerunError
from runner.store.json_file import read_json
from runner.store.lock import is_locked
from runner.store.run_folder import RunFolder
from runner.store.run_schemas import Commit
from runner.store.signature import is_own


@dataclass(frozen=True)
class Standing:
    """Where a run stands."""

    step: int | None
    """The step of its checkpoint; None without one."""
    wandb_id: str | None
    is_own: bool
    """Whether this user's programs wrote it."""
    outlook: str
    """What resume would do, in a line."""


def standing(path: Path) -> Standing:
    """Return where the run of a folder stands; what is wrong with it is in the outlook."""
    own = is_own(path / "config.yaml")
    try:
        folder = RunFolder.open(path)
        commit = _checkpoint(folder)
        text = folder.read_config()
        # Settings of own pieces cannot be read without running their code.
        config = None if recorded_in(text) else settings.restore(text, [])
        status = folder.read_status()
    except (VaerunError, OSError) as error:
        return Standing(None, None, own, f"is refused: {error}")
    state: dict[str, Any] = commit.get("state", {})
    step = state.get("step")
    if is_locked(path):
        outlook = "is refused while another process works in it"
    elif status.get("state") == "finished":
        outlook = f"has nothing left to do{_further(config)}"
    else:
        outlook = _next(config, step, status.get("steps"), own=own)
    return Standing(step, state.get("wandb_id"), own, outlook)


def _further(config: RunConfig | None) -> str:
    """Return how a finished run is trained further; nothing where its settings are not read."""
    if config is None:
        return ""
    if settings.goes_on(config):
        return "; steps=N with a larger N trains it further"
    return f"; {settings.no_further(config)}"


def _checkpoint(folder: RunFolder) -> dict[str, Any]:
    """Return what ``state.json`` says, with the files that it names all there.

    Raises: DataError where a file is missing.
    """
    place = folder.path / "checkpoint"
    commit = read_json(place / "state.json", Commit, within=folder.path)
    for file in commit.get("files", {}).values():
        if not (place / file["name"]).is_file():
            raise DataError(f"'{place / file['name']}' is missing")
    known = max(int(folder.read_status().get("step") or 0), _last_record(folder))
    if not commit and known:
        raise DataError(f"its checkpoint/state.json is missing, at step {known:,}")
    return commit


def _last_record(folder: RunFolder) -> int:
    return int((folder.read_records()[-1:] or [{}])[0].get("step") or 0)


def _next(config: RunConfig | None, step: int | None, steps: int | None, *, own: bool) -> str:
    total = steps
    if total is None and config is not None and config.epochs is None:
        total = config.steps
    of = "" if total is None else f" of {total:,}"
    if step is None:
        words = f"begins at step 0{of}, having no checkpoint"
    elif total is not None and step >= total:
        words = "goes on with the evaluation: it is trained"
    else:
        words = f"goes on at step {step:,}{of}"
    if own:
        return words
    if config is None:
        return f"{words}, given plugins=[…] or --trust, which runs the code of its own pieces"
    if isinstance(config.dataset, OwnDataConfig):
        return f"{words}, given dataset.path=… or --trust"
    return f"{words}, without W&B and with your data_dir; --trust follows the folder"
