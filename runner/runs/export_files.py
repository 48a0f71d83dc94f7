"""The folder of an exported model: its files, and ``model.json``, which says how to use them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import runner
from runner.errors import UsageError
from runner.model import Node
from runner.model.discrete import Bernoulli
from runner.model.portable import CODES, IMAGES, MEANS, SCALES, PortableEncoder
from runner.model.variables import LogNormals
from runner.runs.export import BATCHES, Exported
from runner.runs.export_formats import FORMATS
from runner.runs.load import OpenedModel
from runner.store.confined import confined, make_folder, write_atomically
from runner.store.json_file import write_json
from runner.store.writable import require_writable

DESCRIPTION = "model.json"
NAMES = (*(f"{half}{end}" for half in ("encoder", "decoder") for end in FORMATS.values()),
         DESCRIPTION)  # fmt: skip
"""All files that an export may write."""

_MEANINGS = {
    CODES: "mean codes, which the decoder takes: means, and probabilities of categories",
    MEANS: "means of q(z|x) of the continuous variables",
    SCALES: "standard deviations of q(z|x) of the continuous variables",
    IMAGES: "expected images",
}


def refuse_place(folder: Path, within: Path) -> None:
    """Refuse a folder that cannot be written, before anything is computed.

    Raises: UsageError.
    """
    require_writable(folder, "--out names another folder")
    for name in NAMES:
        confined(folder / name, within)
        if (folder / name).is_dir():
            raise UsageError(f"'{folder / name}' is a folder, not a file", "--out names another")


def write(model: OpenedModel, files: Sequence[Exported], folder: Path, within: Path) -> list[str]:
    """Write files, then their description; return the names of files of an earlier export.

    ``within`` is the folder that no link may leave.
    """
    make_folder(folder, within)
    for file in files:
        write_atomically(folder / file.name, file.content, within)
    write_json(folder / DESCRIPTION, description(model, files), within)
    written = {file.name for file in files} | {DESCRIPTION}
    return [name for name in NAMES if name not in written and (folder / name).exists()]


def description(model: OpenedModel, files: Sequence[Exported]) -> dict[str, Any]:
    """Return what ``model.json`` says: inputs, outputs, variables, groups, and where it is from."""
    config, trained_on = model.config, model.trained_on
    is_unit = trained_on.kind.is_unit
    images = {
        "name": IMAGES,
        "dtype": "float32",
        "shape": ["batch", *trained_on.shape],
        "range": [0, 1] if is_unit else None,
    }
    codes = {
        "name": CODES,
        "dtype": "float32",
        "shape": ["batch", model.method.networks.latents.width],
    }
    outputs = PortableEncoder(model.method.networks).outputs.items()
    return {
        "vaerun": runner.__version__,
        "torch": torch.__version__,
        "run": config.name,
        "step": model.step,
        "dataset": config.dataset.name,
        "objective": config.objective.name,
        "architecture": config.architecture.name,
        "prior": config.prior.name,
        "likelihood": config.likelihood.name,
        "images": trained_on.kind.values,
        "encoder": {
            "files": _files(files, "encoder"),
            "inputs": [images],
            "outputs": [_output(name, shape) for name, shape in outputs],
        },
        "decoder": {
            "files": _files(files, "decoder"),
            "inputs": [codes],
            "outputs": [{**images, "meaning": _MEANINGS[IMAGES]}],
        },
        "variables": _variables(model),
        "groups": [_group(node, model) for node in model.method.networks.latents.tree.children],
        "checked_batches": list(BATCHES),
    }


def _files(files: Sequence[Exported], half: str) -> list[dict[str, Any]]:
    return [
        {
            "name": file.name,
            "sha256": hashlib.sha256(file.content).hexdigest(),
            "largest_difference": file.difference,
        }
        for file in files
        if file.half == half
    ]


def _output(name: str, shape: list[int]) -> dict[str, Any]:
    meaning = _MEANINGS.get(name, "probability of each value, or of a one")
    return {"name": name, "dtype": "float32", "shape": ["batch", *shape], "meaning": meaning}


def _variables(model: OpenedModel) -> list[dict[str, Any]]:
    """Return each variable with its kind and its columns of the codes, from first to before end."""
    latents = model.method.networks.latents
    continuous = "normal" if latents.has_density else "code"
    if isinstance(latents.continuous, LogNormals):
        continuous = "logarithm of a log-normal"
    found: list[dict[str, Any]] = []
    for name, columns in latents.columns.items():
        entry: dict[str, Any] = {"name": name, "kind": continuous}
        if (discrete := latents.discrete.by_name.get(name)) is not None:
            entry["kind"] = "bernoulli" if isinstance(discrete, Bernoulli) else "categorical"
        entry["columns"] = [columns.start, columns.stop]
        if discrete is not None:
            entry["values"] = discrete.categories
        found.append(entry)
    return found


def _group(node: Node, model: OpenedModel) -> dict[str, Any]:
    names = model.method.networks.latents.variable_names
    found: dict[str, Any] = {"name": node.name, "variables": [names[v] for v in node.variables]}
    if any(child.children for child in node.children):
        found["groups"] = [_group(child, model) for child in node.children]
    return found
