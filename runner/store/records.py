"""``metrics.jsonl``: one JSON object a line, in the order of the steps, read line by line.

A file of a million records is read in the memory of a few thousand. A last line without an end was
being written when the process was killed, and does not count.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from runner.errors import DataError

Record = dict[str, int | float | None]
"""The ``step``, a whole number, and other numbers by name; None for one that was not finite."""

MOST = 10_000
"""Records that :func:`read` returns; more than a curve can show."""

_LONGEST = 2**24
"""Bytes of a line; a record of 10,000 numbers has a twentieth of it."""

_decoder = msgspec.json.Decoder(Record)


def append(path: Path, record: Mapping[str, float | int]) -> None:
    """Add a record to a file; a number that is not finite becomes null."""
    finite = {name: value if math.isfinite(value) else None for name, value in record.items()}
    line = json.dumps(finite, allow_nan=False) + "\n"
    with path.open("ab") as file:
        file.write(line.encode())


def read(path: Path, most: int = MOST) -> list[Record]:
    """Return the records of a file, at most ``most`` of them and the last; none without a file.

    Of more than these every second is left out, as often as needed: those that stay are evenly
    spaced, and depend on the file alone.

    Raises: DataError when a line is not a record.
    """
    kept: list[Record] = []
    record, place, stride = None, -1, 1
    for place, record in enumerate(iterate(path)):
        if place % stride == 0:
            kept.append(record)
        if len(kept) > most:
            kept, stride = kept[::2], 2 * stride
    if record is not None and place % stride:
        kept.append(record)
    return kept


def iterate(path: Path) -> Iterator[Record]:
    """Yield the records of a file one by one, none where there is no file.

    Raises: DataError when a line is not a record.
    """
    if path.exists():
        with path.open("rb") as file:
            for record, _ in _lines(file, path):
                yield record


def rewind(path: Path, step: int) -> None:
    """Remove the records after ``step``, and an incomplete last line.

    Raises: DataError when a line is not a record; the file is then as it was.
    """
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = 0
        for record, after in _lines(file, path):
            if (record["step"] or 0) <= step:
                end = after
        if end < file.seek(0, os.SEEK_END):
            # Shortening is one operation of the file system: after a crash it is done or not.
            file.truncate(end)
            os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Flush the records to disk, so that they survive a power failure."""
    if path.exists():
        with path.open("ab") as file:
            os.fsync(file.fileno())


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[Record, int]]:
    """Yield each record and where its line ends in the file, in bytes."""
    end, before, number = 0, 0, 0
    while line := file.readline(_LONGEST):
        if not line.endswith(b"\n") and len(line) < _LONGEST:
            return  # the process was killed while it wrote this line
        number += 1
        record = _parse(line)
        if record is None:
            raise _corrupt(path, f"line {number} is not a record")
        step = record["step"] or 0
        if step < before:
            raise _corrupt(path, f"line {number} has step {step} after step {before}")
        before, end = int(step), end + len(line)
        yield record, end


def _parse(line: bytes) -> Record | None:
    """Return the record of a line, or None where it is none."""
    try:
        record = _decoder.decode(line)
    except ValueError:  # msgspec errors, and bytes that are no UTF-8
        return None
    step = record.get("step")
    return record if isinstance(step, int) and 0 <= step < 2**63 else None


def _corrupt(path: Path, reason: str) -> DataError:
    return DataError(f"'{path}' is corrupt: {reason}", "the run cannot go on without its records")
