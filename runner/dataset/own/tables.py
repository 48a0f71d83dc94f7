"""A table of factors beside images: CSV or JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from runner.dataset.archive.guarded_reading import reading
from runner.errors import DataError, UsageError

USUAL = ("factors.csv", "factors.json")
"""Names under which a table is found in a folder of images."""

_FILE = ("file", "filename", "file_name", "path", "image", "image_path", "name")
"""Names of the column that names the image; without one of them it is the first column."""

Rows = dict[str, dict[str, object]]
"""File of an image → factor → value."""


def read_rows(path: Path) -> Rows:
    """Return the table of a CSV or JSON file.

    A CSV file has a line of names, and one line per image. A JSON file is a mapping from file to
    factors, or a list of mappings one of which names the file.

    Raises: UsageError for another kind of file, DataError where it is not such a table.
    """
    kind = path.suffix.lower()
    if kind not in {".csv", ".tsv", ".json"}:
        raise UsageError(
            f"'{path}' is no table of factors", "it must be a .csv, .tsv or .json file"
        )
    with reading(path):
        text = path.read_text(encoding="utf-8-sig")
    return _of_json(path, text) if kind == ".json" else _of_csv(path, text, kind)


def columns_for(rows: Rows, files: Sequence[str], table: Path) -> dict[str, list[object]]:
    """Return the columns of a table in the order of ``files``.

    Raises: DataError when images are not in the table.
    """
    lost = [file for file in files if file not in rows]
    if lost:
        raise DataError(
            f"'{table}' has no line for {len(lost):,} of {len(files):,} images: '{lost[0]}' …",
            "it names images by their path below its own folder",
        )
    names = list(dict.fromkeys(name for file in files for name in rows[file]))
    return {name: [rows[file].get(name) for file in files] for name in names}


def _of_csv(path: Path, text: str, kind: str) -> Rows:
    delimiter = "\t" if kind == ".tsv" else _delimiter(text)
    lines = list(csv.reader(text.splitlines(), delimiter=delimiter))
    if len(lines) < 2:
        raise DataError(f"'{path}' should have a line of names, and a line for each image")
    header = [name.strip() for name in lines[0]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"'{path}' has two columns '{twice[0]}'")
    key = next((name for name in _FILE if name in header), header[0])
    rows: Rows = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        if len(line) != len(header):
            raise DataError(
                f"'{path}' line {number} has {len(line)} values for {len(header)} names"
            )
        row: dict[str, object] = dict(zip(header, (value.strip() for value in line), strict=True))
        _add(rows, str(row.pop(key)), row, path)
    return rows


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _of_json(path: Path, text: str) -> Rows:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{path}' is not a JSON file ({str(error)[:80]})") from error
    rows: Rows = {}
    if isinstance(content, dict):
        entries = [(str(k), v) for k, v in cast("dict[str, object]", content).items()]
    elif isinstance(content, list):
        entries = [_named(path, item) for item in cast("list[object]", content)]
    else:
        entries = []
    for file, row in entries:
        if not isinstance(row, dict):
            raise DataError(f"'{path}' should have a mapping of factors for '{file}'")
        found = cast("dict[str, Any]", row)
        if bad := [name for name, value in found.items() if isinstance(value, dict | list)]:
            raise DataError(f"'{path}': '{bad[0]}' of '{file}' is not a single value")
        _add(rows, file, dict(found), path)
    if not rows:
        raise DataError(f"'{path}' should map the file of each image to its factors")
    return rows


def _named(path: Path, item: object) -> tuple[str, object]:
    row = dict(cast("dict[str, object]", item)) if isinstance(item, dict) else {}
    key = next((name for name in _FILE if name in row), None)
    if key is None:
        raise DataError(f"'{path}' has an entry without 'file'")
    return str(row.pop(key)), row


def _add(rows: Rows, file: str, row: dict[str, object], path: Path) -> None:
    clean = Path(file.replace("\\", "/")).as_posix()
    if clean in rows:
        raise DataError(f"'{path}' has two lines for '{clean}'")
    rows[clean] = row
