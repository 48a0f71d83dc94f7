"""``scores.json``: cached scores with the settings that produced them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.store.json_file import read_json, write_json
from runner.store.run_schemas import Scores


class ScoresFile:
    """Scores by name, each with the settings it was computed with; written at every change.

    ``subject`` identifies what was evaluated, such as the step of a checkpoint or the digest of a
    file of codes. Scores of another subject are dropped.
    """

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        """Read the file if there is one.

        Raises: DataError when it is corrupt.
        """
        self.path = path
        self.subject = dict(subject)
        content = read_scores(path)
        same = content.get("of") == self.subject
        self.entries: dict[str, dict[str, Any]] = content.get("scores", {}) if same else {}

    def has(self, key: str, conditions: Mapping[str, Any]) -> bool:
        """Return whether the file has this score, with these values in its entry."""
        entry = self.entries.get(key)
        return entry is not None and {name: entry.get(name) for name in conditions} == conditions

    def put(self, key: str, entry: Mapping[str, Any]) -> None:
        """Add or replace a score and write the file; a number that is not finite becomes null."""
        self.entries[key] = dict(entry)
        write_json(self.path, {"of": self.subject, "scores": self.entries})

    def numbers(self) -> dict[str, float]:
        """Return all numbers by their names in comparisons: ``mean/mig``, ``mean/mig/x``."""
        return self._named("scores")

    def standard_errors(self) -> dict[str, float]:
        """Return the standard errors of those numbers that have one, by the same names."""
        return self._named("standard_errors")

    def _named(self, part: str) -> dict[str, float]:
        return {
            f"{key.partition('/')[0]}/{name}": value
            for key, entry in self.entries.items()
            for name, value in entry.get(part, {}).items()
        }


def read_scores(path: Path) -> dict[str, Any]:
    """Return the content of a file of scores, empty where there is none.

    Raises: DataError when it is corrupt.
    """
    return read_json(path, Scores, hint="its scores can be computed again: delete it")
