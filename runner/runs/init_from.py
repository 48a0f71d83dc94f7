"""The run that another one starts from: where its parameters are, and what is recorded of them.

Only the tensors of its checkpoint are read: none of its settings is looked at, so a stranger's run
will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import RunConfig
from runner.errors import UsageError
from runner.store.checkpoint import load as load_checkpoint
from runner.store.run_folder import RunFolder
from runner.store.signature import is_own

if TYPE_CHECKING:
    from torch import Tensor

FOLDERS = {"last": "checkpoint", "best": "checkpoint_best"}
"""Value of ``init.checkpoint`` → folder of the checkpoint in that of the run."""


@dataclass(frozen=True)
class StartingPoint:
    """The parameters of another run."""

    path: Path
    """The folder of the run, absolute."""
    step: int
    sha256: str
    """The digest of the file of the parameters."""
    parameters: Mapping[str, Tensor]
    note: str | None
    """What the user should know of it, in one line."""

    def recorded(self, config: RunConfig) -> RunConfig:
        """Return settings that say which parameters these were."""
        init = replace(config.init, step=self.step, sha256=self.sha256)
        return replace(config, init_from=str(self.path), init=init)


def require_starting_point(config: RunConfig) -> Path | None:
    """Return the absolute folder of ``init_from``, in which there is such a checkpoint.

    Raises: UsageError where there is none; DataError where what is in its place is no file.
    """
    if config.init_from is None:
        return None
    path = Path(config.init_from).expanduser().absolute()
    try:
        RunFolder.open(path)
    except UsageError as error:
        raise UsageError(f"init_from: {error.message}", error.hint) from error
    if not (path / FOLDERS[config.init.checkpoint] / "state.json").is_file():
        best = config.init.checkpoint == "best"
        kind = "best checkpoint" if best else "checkpoint"
        hint = "init.checkpoint=last takes the last one" if best else "it has not been trained"
        raise UsageError(f"init_from: '{path}' has no {kind}", hint)
    return path


def starting_point(config: RunConfig) -> StartingPoint | None:
    """Return the parameters of ``init_from``, or None where the run starts anew.

    Raises: UsageError where there are none, or not those of ``init.sha256``; DataError where they
        are corrupt.
    """
    path = require_starting_point(config)
    if path is None:
        return None
    found = load_checkpoint(path / FOLDERS[config.init.checkpoint], ("model",))
    sha256 = found.sha256.get("model")
    if sha256 is None:
        raise UsageError(f"init_from: the checkpoint of '{path}' has no model")
    if config.init.sha256 not in (None, sha256):
        raise UsageError(
            f"init_from: '{path}' has other parameters than init.sha256 says",
            f"those of step {found.state['step']:,} have {sha256}",
        )
    note = None
    if not is_own(path / "config.yaml"):
        note = f"'{path}' is not known as yours: its parameters are read, and nothing else"
    return StartingPoint(path, found.state["step"], sha256, found.tensors["model"], note)
