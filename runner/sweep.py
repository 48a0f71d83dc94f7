"""Sweep files: a W&B sweep file read as a Hydra multirun.

The same file drives ``vaerun sweep=NAME`` on this machine and ``wandb sweep`` with ``wandb agent``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore

from runner.config import freed
from runner.errors import UsageError


def register(chosen: Collection[str], *folders: Path) -> None:
    """Offer every sweep file of the folders as ``sweep=NAME``; a later folder's file wins.

    Only the files of ``chosen`` names are read: what is wrong with another is not in the way.

    Raises: UsageError when a chosen file is not a grid in W&B's sweep format.
    """
    store = ConfigStore.instance()
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            node = to_multirun(path) if path.stem in chosen else {}
            store.store(
                group="sweep", name=path.stem, node=node, package="_global_", provider=str(path)
            )


def to_multirun(path: Path) -> dict[str, Any]:
    """Return the Hydra configuration of a sweep file: every combination of its values.

    Raises: UsageError when the file is not a grid in W&B's sweep format.
    """
    try:
        sweep = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
        values = entry.get("values", [entry.get("value")])
        if not isinstance(values, list) or not values:
            raise UsageError(f"{path}: the values of parameter {key} must be a list of some")
        yield freed(str(key)), ",".join(_override(value) for value in values)


def _override(value: object) -> str:
    """Return a YAML value in Hydra's override grammar, of the type that it has in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(_override(entry) for entry in value)}]"
    if isinstance(value, dict):
        entries = (f"{key}:{_override(entry)}" for key, entry in value.items())
        return f"{{{','.join(entries)}}}"
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text)
    if plain and text.lower() not in {"true", "false", "null", "nan", "inf"}:
        return text
    # Hydra takes a backslash as such, except in front of a quote or at the end.
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + m[2].replace("'", "\\'"), text) + "'"
