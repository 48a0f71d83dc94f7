"""What an offline W&B run holds, read back from its transaction log (``run-ID.wandb``).

The log is a sequence of protobuf records in LevelDB's framing: blocks of 32 KiB, each record split
into parts that carry a checksum, a length and a kind. Checksums are not verified.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = 32768
_FILE_HEADER = 7  # ":W&B", a 16-bit magic number, a version
_PART_HEADER = struct.Struct("<IHB")  # checksum, length, kind
_WHOLE, _FIRST, _LAST = 1, 2, 4


@dataclass
class LoggedRun:
    """The content of one transaction log; nested keys are joined by "."."""

    about: dict[str, Any] = field(default_factory=dict[str, Any])
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    summary: dict[str, Any] = field(default_factory=dict[str, Any])
    definitions: dict[str, Any] = field(default_factory=dict[str, Any])
    """The metrics that were defined, by name, as protobuf has them."""
    exit_code: int | None = None


def find_logs(folder: Path) -> list[Path]:
    """The transaction logs below a run folder, oldest first."""
    return sorted(folder.glob("wandb/*run-*/*.wandb"))


def read_wandb(path: Path) -> LoggedRun:
    """The run of one transaction log, as far as it was written."""
    from wandb.proto.wandb_internal_pb2 import Record

    run = LoggedRun()
    for data in _records(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        _take(run, record)
    return run


def _take(run: LoggedRun, record: Any) -> None:
    kind = record.WhichOneof("record_type")
    if kind == "run":
        about = record.run
        run.about = {
            "id": about.run_id,
            "name": about.display_name,
            "group": about.run_group,
            "job_type": about.job_type,
            "project": about.project,
            "tags": list(about.tags),
        }
        run.config.update(_values(about.config.update))
    elif kind == "config":
        run.config.update(_values(record.config.update))
    elif kind == "history":
        run.history.append(_values(record.history.item))
    elif kind == "summary":
        run.summary.update(_values(record.summary.update))
    elif kind == "metric":
        run.definitions[record.metric.name or record.metric.glob_name] = record.metric
    elif kind == "exit":
        run.exit_code = record.exit.exit_code


def _values(items: Iterable[Any]) -> dict[str, Any]:
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def _records(log: bytes) -> Iterator[bytes]:
    """Yield whole records; a torn one at the end, from a crash, is left out."""
    if log[:4] != b":W&B":
        raise ValueError("not a W&B transaction log")
    at, record = _FILE_HEADER, b""
    while at + _PART_HEADER.size <= len(log):
        left_in_block = _BLOCK - at % _BLOCK
        if left_in_block < _PART_HEADER.size:
            at += left_in_block
            continue
        _, length, kind = _PART_HEADER.unpack_from(log, at)
        part = log[at + _PART_HEADER.size : at + _PART_HEADER.size + length]
        if kind == 0 or len(part) < length:
            break
        at += _PART_HEADER.size + length
        record = part if kind in (_WHOLE, _FIRST) else record + part
        if kind in (_WHOLE, _LAST):
            yield record
