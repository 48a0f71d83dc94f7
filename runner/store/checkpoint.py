"""Checkpoints: the tensors and the state of a run, saved atomically.

``state.json`` names the tensor files of the checkpoint, with their checksums. It is replaced last
and atomically; until then the previous checkpoint is valid. Tensor files that it does not name
belong to other checkpoints, and are deleted by the next save.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import DataError, UsageError
from runner.store.confined import confined, make_folder, open_to_read, write_atomically
from runner.store.json_file import read_json
from runner.store.run_schemas import Commit

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
    sha256: dict[str, str] = field(default_factory=dict[str, str], compare=False)
    """Of a checkpoint that was read: name of a file → its digest."""


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of a folder; if this fails, the previous one remains valid.

    Raises: TypeError when ``state`` has no whole number ``step``.
    """
    step = checkpoint.state.get("step")
    if not isinstance(step, int):
        raise TypeError("the state of a checkpoint needs a whole number 'step'")
    make_folder(folder, folder.parent)
    files: dict[str, dict[str, str]] = {}
    for stem, tensors in checkpoint.tensors.items():
        content = _serialize(tensors)
        checksum = hashlib.sha256(content).hexdigest()
        # With the checksum in the name, no file replaces one with different content, so saving
        # the same step twice is safe, too.
        name = f"{stem}-{step:08d}-{checksum[:8]}.safetensors"
        write_atomically(folder / name, content, folder.parent)
        files[stem] = {"name": name, "sha256": checksum}
    commit = {"state": checkpoint.state, "files": files}
    content = json.dumps(commit, indent=2, allow_nan=False).encode()
    write_atomically(folder / _STATE, content, folder.parent)
    _delete_others(folder, {file["name"] for file in files.values()})


def load(folder: Path, only: Collection[str] | None = None) -> Checkpoint:
    """Return the checkpoint of a folder, or the tensors of some of its files alone.

    Args:
        folder: ``checkpoint/`` of a run.
        only: which files are read, such as ``("model",)``; None: all.

    Raises:
        UsageError: there is none, or a link leads out of the run folder.
        DataError: a file of it is missing, truncated or corrupt.
    """
    content = read_json(folder / _STATE, Commit, within=folder.parent)
    if not content:
        hint = "the run stopped before it wrote one; start it again"
        raise UsageError(f"'{folder.parent}' has no checkpoint", hint)
    files: dict[str, dict[str, str]] = content["files"]
    tensors = {
        stem: _read_tensors(folder, file)
        for stem, file in files.items()
        if only is None or stem in only
    }
    sha256 = {stem: file["sha256"] for stem, file in files.items()}
    return Checkpoint(tensors, content["state"], sha256)


def _serialize(tensors: Mapping[str, Tensor]) -> bytes:
    import torch
    from safetensors.torch import save as to_bytes

    # safetensors refuses tensors that share memory.
    own = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return to_bytes(own)


def _read_tensors(folder: Path, file: Mapping[str, str]) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    path = folder / file["name"]
    try:
        with open_to_read(path, folder.parent) as opened:
            content = opened.read()
    except FileNotFoundError as error:
        raise DataError(f"'{path}' is missing") from error
    if hashlib.sha256(content).hexdigest() != file["sha256"]:
        raise DataError(f"'{path}' is truncated or corrupt")
    try:
        return from_bytes(content)
    # A type of number that PyTorch lacks is a KeyError.
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{path}' is not a safetensors file") from error


def _delete_others(folder: Path, names: set[str]) -> None:
    """Delete the files of other checkpoints, also incomplete ones."""
    place = confined(folder, folder.parent)
    for pattern in ("*.safetensors", ".*.tmp"):
        for path in place.glob(pattern):
            if path.name not in names:
                with suppress(OSError):  # the next save tries again
                    path.unlink()
