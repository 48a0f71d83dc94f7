"""Every JSON file is read with a schema, and what is wrong with one is said in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import DataError
from runner.store.checkpoint import load
from runner.store.comparison_file import read_figures
from runner.store.json_file import read_json, write_json
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile

READERS: dict[str, Callable[[Path], Any]] = {
    "status.json": lambda folder: RunFolder(folder).read_status(),
    "summary.json": lambda folder: RunFolder(folder).read_summary(),
    "scores.json": lambda folder: ScoresFile(folder / "scores.json", {"step": 1}),
    "checkpoint/state.json": lambda folder: load(folder / "checkpoint"),
    "comparison.json": lambda folder: read_figures(folder, folder),
}
TEXTS = {
    "empty": b"",
    "a list": b"[]",
    "null": b"null",
    "a number": b"3",
    "cut off": b'{"state": "runn',
    "deep lists": b'{"x": ' + b"[" * 100_000,
    "deep objects": b'{"x": ' + b'{"x": ' * 900 + b"1" + b"}" * 901,
    "digits": b'{"step": ' + b"1" * 5000 + b"}",
    "NaN": b'{"step": NaN}',
    "no UTF-8": b'{"state": "\xff"}',
    "UTF-16": '{"state": "running"}'.encode("utf-16"),
    "half a character": b'{"state": "\\ud800"}',
}
STATE = {"state": {"step": 1}, "files": {"model": {"name": "a.safetensors", "sha256": "0"}}}
WRONG: list[tuple[str, Any, str]] = [
    ("status.json", {"state": 3}, "$.state"),
    ("status.json", {"error": ["a"]}, "$.error"),
    ("status.json", {"step": "4"}, "$.step"),
    ("status.json", {"step": -1}, "$.step"),
    ("status.json", {"step": 10**30}, "$.step"),
    ("status.json", {"steps": 1.5}, "$.steps"),
    ("status.json", {"seconds": "long"}, "$.seconds"),
    ("status.json", {"versions": ["1"]}, "$.versions"),
    ("status.json", {"versions": {"vaerun": 1}}, "$.versions[...]"),
    ("summary.json", {"step": "4"}, "$.step"),
    ("summary.json", {"elbo": "high"}, "$.elbo"),
    ("summary.json", {"elbo": 10**400}, "out of range"),
    ("summary.json", {"terms": [1]}, "$.terms"),
    ("summary.json", {"terms": {"reconstruction": "x"}}, "$.terms[...]"),
    ("summary.json", {"information": {"variable": [1]}}, "$.information[...]"),
    ("summary.json", {"information": {"factor": {"z": {"a": {}}}}}, "$.information[...]"),
    ("summary.json", {"scores": None}, "$.scores"),
    ("scores.json", {"of": 3}, "$.of"),
    ("scores.json", {"scores": [1]}, "$.scores"),
    ("scores.json", {"scores": {"mean/mig": 3}}, "$.scores[...]"),
    ("scores.json", {"scores": {"mean/mig": {"scores": {"mig": "x"}}}}, "$.scores[...].scores"),
    ("scores.json", {"scores": {"mean/mig": {"seed": "0"}}}, "$.scores[...].seed"),
    ("checkpoint/state.json", {**STATE, "state": {"step": "1"}}, "$.state.step"),
    ("checkpoint/state.json", {**STATE, "state": {"step": -1}}, "$.state.step"),
    ("checkpoint/state.json", {**STATE, "state": {"step": 1, "wandb_id": 3}}, "$.state.wandb_id"),
    ("checkpoint/state.json", {**STATE, "files": ["model"]}, "$.files"),
    *(
        ("checkpoint/state.json", {**STATE, "files": {"a": {"name": name, "sha256": "0"}}}, ".name")
        for name in ("../x", "/etc/passwd", "..", "", "a\0b", "a/b", "x\n")
    ),
    ("comparison.json", {"figures": "all"}, "$.figures"),
    ("comparison.json", {"figures": [1]}, "$.figures[0]"),
]  # fmt: skip


def refused(folder: Path, name: str) -> str:
    with pytest.raises(DataError) as caught:
        READERS[name](folder)
    message = caught.value.message
    assert message.startswith(f"'{folder / name}' is corrupt: ")
    assert "\n" not in message
    assert len(message) < len(str(folder)) + 200
    return message


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_object_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(TEXTS[text])
    refused(tmp_path, name)


@pytest.mark.parametrize(("name", "content", "where"), WRONG, ids=lambda v: str(v)[:50])
def test_a_value_of_another_type_is_refused_and_its_place_named(
    tmp_path: Path, name: str, content: object, where: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps(content))
    assert where in refused(tmp_path, name)


def test_keys_of_other_versions_are_kept(tmp_path: Path) -> None:
    content = {"state": "running", "mood": {"good": [1, 2.5, None, "x"]}}
    (tmp_path / "status.json").write_text(json.dumps(content))
    RunFolder(tmp_path).update_status(step=3)
    assert json.loads((tmp_path / "status.json").read_text()) == {**content, "step": 3}


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """Also half a character, as the names of some files have, and numbers that JSON lacks."""
    path = tmp_path / "a.json"
    write_json(path, {"text": "a\udcffb", "number": float("nan"), "list": [float("inf"), 1]})
    assert read_json(path) == {"text": "a?b", "number": None, "list": [None, 1]}


def test_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}
