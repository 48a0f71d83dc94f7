"""Sweep files: a W&B sweep file read as a Hydra multirun.

The same file drives ``vaerun sweep=NAME`` on this machine and ``wandb sweep`` with ``wandb agent``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore

from runner.config import freed
from runner.errors import UsageError


def register(*folders: Path) -> None:
    """Offer every sweep file of the folders as ``sweep=NAME``; a later folder's file wins.

    Raises: UsageError when a file is not a grid in W&B's sweep format.
    """
    store = ConfigStore.instance()
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            node = to_multirun(path)
            store.store(
                group="sweep", name=path.stem, node=node, package="_global_", provider=str(path)
            )


def to_multirun(path: Path) -> dict[str, Any]:
    """Return the Hydra configuration of a sweep file: every combination of its values.

    Raises: UsageError when the file is not a grid in W&B's sweep format.
    """
    try:
        sweep = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(sweep, dict) or not isinstance(sweep.get("parameters"), dict):
        raise UsageError(f"{path} is not a sweep file: it has no parameters")
    if (method := sweep.get("method", "grid")) != "grid":
        raise UsageError(
            f"{path} asks for method {method}; only grid runs here",
            f"wandb sweep {path} hands it to W&B",
        )
    return {
        "sweep_name": sweep.get("name", path.stem),
        "hydra": {"mode": "MULTIRUN", "sweeper": {"params": dict(_parameters(path, sweep))}},
    }


def _parameters(path: Path, sweep: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, entry in sweep["parameters"].items():
        if not isinstance(entry, dict) or not ({"value", "values"} & entry.keys()):
            raise UsageError(f"{path}: parameter {key} needs value or values")
        values: list[Any] = entry["values"] if "values" in entry else [entry["value"]]
        yield freed(key), ",".join(_override(value) for value in values)


def _override(value: object) -> str:
    """Return a YAML value in Hydra's override grammar."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    if isinstance(value, (int, float)) or re.fullmatch(r"[\w./+-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
