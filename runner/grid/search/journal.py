"""The file of a search's study: one JSON object a line, in the format of Optuna's own journals.

Optuna's ``JournalFileBackend`` opens it too (``optuna-dashboard study.jsonl``). This one reads and
writes it confined to the folder, under the folder's lock, which the system releases when a process
dies, and takes off a last line that a killed process has not finished.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from optuna.storages.journal import BaseJournalBackend

from runner.errors import DataError
from runner.store.confined import open_to_append, open_to_read
from runner.store.lock import lock

FILE = "study.jsonl"

_SECONDS = 60.0
_MOST_BYTES = 2**30

_decoder = msgspec.json.Decoder(dict[str, Any])


class Journal(BaseJournalBackend):
    """The journal of a folder, read on from where the last reading ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE
        self._read: list[int] = [0]
        """Where each entry that was read begins, in bytes, and where the last one ends."""

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the entries from one on.

        Raises: DataError when a line is none; UsageError when the file is a link out of the folder.
        """
        first = min(log_number_from, len(self._read) - 1)
        try:
            file = open_to_read(self._path, self._folder)
        except FileNotFoundError:
            return
        with file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise DataError(f"'{self._path}' is larger than 1 GiB")
            file.seek(self._read[first])
            del self._read[first + 1 :]
            for number, line in enumerate(file, first):
                if not line.endswith(b"\n"):  # its writer was killed, or is about to go on
                    return
                entry = self._parsed(line, number)
                self._read.append(self._read[-1] + len(line))
                if number >= log_number_from:
                    yield entry

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add entries, and flush them to disk.

        Raises: LockedError when another process holds the folder's lock for a minute.
        """
        lines = b"".join(json.dumps(each).encode() + b"\n" for each in logs)
        with lock(self._folder, seconds=_SECONDS), open_to_append(self._path, self._folder) as file:
            self._take_off_unfinished(file.fileno())
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def _take_off_unfinished(self, descriptor: int) -> None:
        """Shorten the file by a last line without an end."""
        size = os.fstat(descriptor).st_size
        with open_to_read(self._path, self._folder) as file:
            file.seek(max(0, size - 1))
            if size == 0 or file.read(1) == b"\n":
                return
            file.seek(0)
            whole = sum(len(line) for line in file if line.endswith(b"\n"))
        os.ftruncate(descriptor, whole)

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            return _decoder.decode(line)
        except (ValueError, RecursionError) as error:
            raise corrupt(self._path, f"line {number + 1} is no entry of a study") from error


def corrupt(path: Path, reason: str) -> DataError:
    """Return the error for a study that cannot be read."""
    remedy = "delete it: the search then goes on from what the folders of its runs say"
    return DataError(f"'{path}' is corrupt: {reason}", remedy)
