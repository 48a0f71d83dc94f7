"""The setting ``plugins``: which files and installed packages have own pieces of a run.

They are read before anything is composed, since they add to what can be. What is composed and
written names each with its digest, or its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from runner.config.shown import shown
from runner.errors import UsageError

KEY = "plugins"
FORM = "a list of files and installed packages, such as [my_pieces.py]"
_OF_A_FILE = {"path", "sha256"}
_OF_A_PACKAGE = {"name", "package", "version"}

Record = dict[str, str]
"""What a run says of a plugin: path and sha256 of a file, or name, package and version."""


def parse_plugins(key: str, value: object) -> list[Record]:
    """Return the plugins that settings name, each as it is recorded.

    Raises: UsageError for anything else.
    """
    entries = cast("list[object]", value) if isinstance(value, list) else None
    if entries is None:
        raise UsageError(f"{key} must be {FORM}, got {shown(value)}")
    return [record_of(key, entry) for entry in entries]


def record_of(key: str, entry: object) -> Record:
    """Return an entry as it is recorded.

    Raises: UsageError for anything else.
    """
    if isinstance(entry, Mapping):
        named = {str(k): v for k, v in cast("Mapping[object, object]", entry).items()}
        texts = {k: v for k, v in named.items() if isinstance(v, str)}
        is_known = any(set(texts) <= each for each in (_OF_A_FILE, _OF_A_PACKAGE))
        if texts == named and is_known and ("path" in texts or "name" in texts):
            return texts
    raise UsageError(f"{key} must be {FORM}, got {shown(entry)}")


if TYPE_CHECKING:
    Plugins = list[Record]
    """The plugins of a run."""
else:  # which OmegaConf has no type for
    Plugins = Annotated[Any, parse_plugins]


def is_file(entry: str) -> bool:
    """Whether an entry names a file, and not an installed package."""
    return entry.endswith(".py") or "/" in entry or "\\" in entry


def short_name(entry: object) -> str:
    """Return what tells a plugin from the others of a run: the name of its file, or its own."""
    if isinstance(entry, Mapping):
        record = cast("Mapping[str, str]", entry)
        return Path(record["path"]).name if "path" in record else str(record.get("name"))
    return Path(str(entry)).name if is_file(str(entry)) else str(entry)


def entries_of(value: object) -> list[object]:
    """Return the entries of the setting as it was given: a list, or one name alone.

    Raises: UsageError for anything else.
    """
    if value is None:
        return []
    entries = cast("list[object]", value) if isinstance(value, list) else [value]
    for entry in entries:
        if not (isinstance(entry, str) and entry.strip()) and not isinstance(entry, Mapping):
            raise UsageError(f"{KEY} must be {FORM}, got {shown(value)}")
    return entries
