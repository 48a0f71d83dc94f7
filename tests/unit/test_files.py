"""Only regular files are opened, and nothing else is waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.config.descriptions import read_choice
from runner.errors import DataError, UsageError
from runner.evaluation.codes_file import read_codes
from runner.files import open_regular, read_regular
from runner.grid.sweep_file import read as read_sweep
from runner.store.run_folder import RunFolder

READERS: dict[str, Callable[[Path], object]] = {
    "any file": lambda path: read_regular(path, 10),
    "a file of codes": read_codes,
    "a sweep file": read_sweep,
    "a choice": read_choice,
}


def place(path: Path, kind: str) -> Path:
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    return path


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a folder"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_in_one_line(tmp_path: Path, reader: str, kind: str):
    path = place(tmp_path / "odd.yaml", kind)
    with pytest.raises((DataError, UsageError)) as refused:
        READERS[reader](path)
    assert refused.value.message == f"'{path}' is {kind}, not a file"


def read_all(folder: Path) -> None:
    run = RunFolder.open(folder)
    run.read_status()
    run.read_summary()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["config.yaml", "status.json", "summary.json"])
def test_so_it_is_in_a_run_folder(tmp_path: Path, name: str):
    (tmp_path / "config.yaml").write_text("a: 1")
    (tmp_path / name).unlink(missing_ok=True)
    place(tmp_path / name, "a named pipe")
    with pytest.raises(DataError, match=f"{name}' is a named pipe, not a file"):
        read_all(tmp_path)


def test_links_to_files_are_followed(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", 7) == b"content"
    with pytest.raises(DataError, match="link' is too large: it has more than 6 bytes"):
        read_regular(tmp_path / "link", 6)


def test_a_file_is_made_where_that_is_asked_for(tmp_path: Path):
    os.close(open_regular(tmp_path / "new", os.O_WRONLY | os.O_CREAT))
    assert (tmp_path / "new").is_file()
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


def test_a_sweep_file_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot read .*none\.yaml"):
        read_sweep(tmp_path / "none.yaml")
