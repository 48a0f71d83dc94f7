"""Checkpoints that are written whole or not at all, wherever the process is killed.

``state.json`` names the tensor files that belong to it and is replaced last: it is the moment at
which a checkpoint comes into being. Files that it does not name are left-overs.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import DataError, UsageError
from runner.tracking.folder import replace_atomically

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by file and name, on the CPU, and a JSON state with at least ``step``."""

    tensors: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of a folder."""
    from safetensors.torch import save

    # A fresh name even for the same step: no file of the standing checkpoint is touched.
    mark = f"{checkpoint.state['step']:08d}-{secrets.token_hex(3)}"
    files: dict[str, dict[str, str]] = {}
    for stem, tensors in checkpoint.tensors.items():
        content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
        name = f"{stem}-{mark}.safetensors"
        replace_atomically(folder / name, content)
        files[stem] = {"name": name, "sha256": hashlib.sha256(content).hexdigest()}
    state = {**checkpoint.state, "files": files}
    replace_atomically(folder / "state.json", (json.dumps(state, indent=2) + "\n").encode())
    named = {file["name"] for file in files.values()} | {"state.json"}
    for path in folder.iterdir():
        if path.name not in named:
            path.unlink()


def load_checkpoint(folder: Path) -> Checkpoint:
    """Return the checkpoint of a folder.

    Raises: UsageError when there is none; DataError when a file of it is missing or corrupt.
    """
    from safetensors.torch import load

    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"'{folder.parent}' has no checkpoint to go on from") from error
    except ValueError as error:
        raise DataError(f"{folder / 'state.json'} is not JSON: {error}") from error
    tensors: dict[str, dict[str, Tensor]] = {}
    for stem, file in state.pop("files").items():
        path = folder / file["name"]
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise DataError(f"{path} is missing, truncated or corrupt")
        tensors[stem] = load(content)
    return Checkpoint(tensors, state)
