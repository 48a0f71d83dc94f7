"""A folder from anyone: no command follows a link out of it, waits for a pipe, or runs into it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Vaerun
from tests.made_run_folders import config, write_run

COMMANDS = {
    "resume": ("resume", "stranger/0", "steps=2000"),
    "evaluate": ("evaluate", "stranger/0", "metrics=fast"),
    "compare": ("compare", "stranger"),
}
USED = {
    "resume": ("config.yaml", "metrics.jsonl", "checkpoint", "wandb", ".lock", "metrics.csv"),
    "evaluate": ("scores.json", "figures", "tensorboard"),
    "compare": ("config.yaml", "summary.json", "../comparison", "../comparison/figures"),
}  # fmt: skip
CASES = [(command, name) for command, names in USED.items() for name in names]


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder with a run, and beside it a home with what is precious."""
    (tmp_path / "home").mkdir()
    for name in ("precious", "status.json", "state.json"):
        (tmp_path / "home" / name).write_text("{}")
    return write_run(tmp_path / "stranger" / "0", config())


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


def refused(vaerun: Vaerun, command: str, folder: Path, codes: set[int]) -> str:
    before = snapshot(folder)
    done = vaerun(*COMMANDS[command])
    assert done.returncode in codes, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not re.match(r"1 of 1 ", line)]
    assert len(lines) <= 2
    assert lines[0].startswith("error: ")
    assert snapshot(folder) == before
    return lines[0]


@pytest.mark.parametrize(("command", "name"), CASES)
def test_a_link_out_of_the_folder_is_named_and_nothing_is_changed(
    vaerun: Vaerun, tmp_path: Path, stranger: Path, command: str, name: str
):
    link = Path(os.path.normpath(stranger / name))
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    to_folder = link.suffix == "" and link.name != ".lock"
    link.symlink_to(tmp_path / "home" / ("" if to_folder else "precious"))
    found = refused(vaerun, command, tmp_path, {2})
    assert f"{link.relative_to(tmp_path)}' is a link out of 'stranger" in found
    assert str(tmp_path / "home") in found


def pipe(path: Path) -> None:
    os.mkfifo(path)


CONTENTS: dict[str, Callable[[Path], object]] = {
    "a named pipe": pipe,
    "nothing": lambda path: path.write_bytes(b""),
    "deep nesting": lambda path: path.write_text("{a: " * 20_000),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", ["status.json", "config.yaml"])
@pytest.mark.parametrize("command", ["resume", "compare"])
def test_what_is_no_such_file_is_refused_in_one_line(
    vaerun: Vaerun, tmp_path: Path, stranger: Path, command: str, name: str, content: str
):
    (stranger / name).unlink()
    CONTENTS[content](stranger / name)
    before = {p: p.lstat().st_mtime_ns for p in stranger.rglob("*") if p.name != ".lock"}
    done = vaerun(*COMMANDS[command])
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("1 of 1")]
    assert len(lines) <= 2
    assert (name in lines[0]) or "is not a run folder" in lines[0]
    after = {p: p.lstat().st_mtime_ns for p in stranger.rglob("*") if p.name != ".lock"}
    assert after == before


def test_ones_own_folders_may_be_links(vaerun: Vaerun, tmp_path: Path, stranger: Path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "runs").symlink_to(stranger.parent)
    (tmp_path / "outputs").symlink_to(tmp_path / "scratch")
    done = vaerun("compare", "outputs/runs", "--no-figures")
    assert done.returncode == 0, done.stderr
    assert (stranger.parent / "comparison" / "runs.csv").is_file()
