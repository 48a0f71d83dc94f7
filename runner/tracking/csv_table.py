"""The records of a run as a table, ``RUN/metrics.csv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.store import records_csv
from runner.store.run_folder import RunFolder
from runner.tracking.rows import Row


class CsvTable:
    """Keeps ``metrics.csv`` equal to ``metrics.jsonl``; all else has files already.

    After a crash it may lack the last record, or end in a part of it, until the run goes on.
    """

    label = "CSV"

    def __init__(self, folder: Path) -> None:
        self._folder = RunFolder(folder)
        self._path = folder / "metrics.csv"
        self._columns: list[str] = []

    @property
    def shown(self) -> str:
        """Where the table is."""
        return str(self._path)

    def begin(self, step: int, *, trains: bool) -> None:
        """Write the records so far, which end at ``step``: also those from before it was chosen."""
        del step, trains
        self._rewrite()

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Add a record, which ``metrics.jsonl`` has already."""
        del step
        if record.keys() <= set(self._columns):
            records_csv.append(self._path, self._columns, record, self._folder.path)
        else:
            self._rewrite()

    def log_images(self, paths: Mapping[str, Path], step: int) -> None:
        """Do nothing."""

    def log_figures(self, paths: Mapping[str, Path], step: int) -> None:
        """Do nothing."""

    def keep_figures(self, paths: Mapping[str, Path]) -> None:
        """Do nothing."""

    def keep_table(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Do nothing."""

    def summarize(self, summary: Mapping[str, Any]) -> None:
        """Do nothing."""

    def finish(self, exit_code: int) -> None:
        """Do nothing: every row is written at once."""

    def _rewrite(self) -> None:
        records = self._folder.iterate_records
        self._columns = records_csv.rewrite(self._path, records, self._folder.path)
