"""Checkpoints: the tensors and the state of a run, saved atomically.

``state.json`` names the tensor files of the checkpoint, with their checksums. It is replaced last
and atomically; until then the previous checkpoint is valid. Tensor files that it does not name
belong to other checkpoints, and are deleted by the next save.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from runner.errors import DataError, UsageError
from runner.store.run_folder import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

_STATE = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to resume: tensors on the CPU, and a state that JSON can represent."""

    tensors: dict[str, dict[str, Tensor]]
    """Name of a file (``model``, ``optimizer``) → name of a tensor → tensor."""
    state: dict[str, Any]
    """``step``, a whole number, and other values of the run."""


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of a folder; if this fails, the previous one remains valid.

    Raises: TypeError when ``state`` has no whole number ``step``.
    """
    step = checkpoint.state.get("step")
    if not isinstance(step, int):
        raise TypeError("the state of a checkpoint needs a whole number 'step'")
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, str]] = {}
    for stem, tensors in checkpoint.tensors.items():
        content = _serialize(tensors)
        checksum = hashlib.sha256(content).hexdigest()
        # With the checksum in the name, no file replaces one with different content, so saving
        # the same step twice is safe, too.
        name = f"{stem}-{step:08d}-{checksum[:8]}.safetensors"
        write_atomically(folder / name, content)
        files[stem] = {"name": name, "sha256": checksum}
    commit = {"state": checkpoint.state, "files": files}
    write_atomically(folder / _STATE, json.dumps(commit, indent=2, allow_nan=False).encode())
    _delete_others(folder, {file["name"] for file in files.values()})


def load(folder: Path) -> Checkpoint:
    """Return the checkpoint of a folder.

    Raises:
        UsageError: there is none.
        DataError: a file of it is missing, truncated or corrupt.
    """
    path = folder / _STATE
    if not path.is_file():
        hint = "the run stopped before it wrote one; start it again"
        raise UsageError(f"'{folder.parent}' has no checkpoint", hint)
    state, files = _read_state(path)
    return Checkpoint({stem: _read_tensors(folder, file) for stem, file in files.items()}, state)


def _serialize(tensors: Mapping[str, Tensor]) -> bytes:
    import torch
    from safetensors.torch import save as to_bytes

    # safetensors refuses tensors that share memory.
    own = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return to_bytes(own)


def _read_state(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    try:
        commit = json.loads(path.read_bytes())
        state, files = commit["state"], commit["files"]
        plain_names = all(Path(file["name"]).name == file["name"] for file in files.values())
        sound = isinstance(state["step"], int) and plain_names  # no way out of the folder
    except (ValueError, LookupError, TypeError, AttributeError):
        sound, state, files = False, {}, {}
    if not sound:
        raise DataError(f"'{path}' is truncated or corrupt")
    return cast("dict[str, Any]", state), cast("dict[str, dict[str, str]]", files)


def _read_tensors(folder: Path, file: Mapping[str, str]) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    path = folder / file["name"]
    if not path.is_file():
        raise DataError(f"'{path}' is missing")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file.get("sha256"):
        raise DataError(f"'{path}' is truncated or corrupt")
    try:
        return from_bytes(content)
    except SafetensorError as error:
        raise DataError(f"'{path}' is not a safetensors file") from error


def _delete_others(folder: Path, names: set[str]) -> None:
    """Delete the files of other checkpoints, also incomplete ones."""
    for pattern in ("*.safetensors", ".*.tmp"):
        for path in folder.glob(pattern):
            if path.name not in names:
                with suppress(OSError):  # the next save tries again
                    path.unlink()
