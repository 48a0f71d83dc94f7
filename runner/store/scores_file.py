"""The scores of one thing judged, in a file beside it: what was computed need not be again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.store.run_folder import read_json, write_json


class ScoresFile:
    """Scores by name, each with the settings it was computed with; written at every change.

    ``subject`` says what was judged (the step of a checkpoint, the digest of a file): scores of
    anything else are dropped, since they say nothing of it.
    """

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        """Open the file, or begin it.

        Raises: UsageError when it is corrupt.
        """
        self.path = path
        self.subject = dict(subject)
        content = read_json(path)
        same = content.get("of") == self.subject
        self.entries: dict[str, dict[str, Any]] = content.get("scores", {}) if same else {}

    def has(self, key: str, conditions: Mapping[str, Any]) -> bool:
        """Return whether a score is there that was computed under these conditions."""
        entry = self.entries.get(key)
        return entry is not None and {name: entry.get(name) for name in conditions} == conditions

    def put(self, key: str, entry: Mapping[str, Any]) -> None:
        """Add or replace a score; a number that is not finite becomes null."""
        self.entries[key] = dict(entry)
        write_json(self.path, {"of": self.subject, "scores": self.entries})

    def numbers(self) -> dict[str, float]:
        """Return all numbers by the names that comparisons have: ``mean/mig``, ``mean/mig/x``."""
        return {
            f"{key.partition('/')[0]}/{name}": value
            for key, entry in self.entries.items()
            for name, value in entry["scores"].items()
        }
