"""Nothing is read, written, made or deleted through a link that leaves the folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import DataError, UsageError
from runner.store.checkpoint import Checkpoint, load, save
from runner.store.comparison_file import FILES as COMPARISON_FILES
from runner.store.comparison_file import read_figures, refuse_links
from runner.store.confined import (
    confined,
    delete,
    file_place,
    make_folder,
    open_to_append,
    open_to_read,
    read,
    write_atomically,
)
from runner.store.lock import lock
from runner.store.run_folder import FILES, RunFolder
from runner.store.scores_file import ScoresFile

OPERATIONS: dict[str, Callable[[Path, Path], object]] = {
    "read": lambda path, within: read(path, within, 100),
    "open to read": lambda path, within: open_to_read(path, within).close(),
    "append": lambda path, within: open_to_append(path, within).close(),
    "write": lambda path, within: write_atomically(path, b"ours", within),
    "delete": delete,
    "make a folder": make_folder,
    "place": file_place,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of anyone, with a file of the user's own beside it."""
    folder = tmp_path / "run"
    (folder / "inside").mkdir(parents=True)
    (folder / "file").write_text("inside")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "precious").write_text("precious")
    return folder


def contents(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("link", "../home/precious", "link"),
        ("link", "../home/new", "link"),
        ("link", "../home", "link/precious"),
        ("link", "../home", "link/new"),
        ("link", "/etc/hostname", "link"),
        ("inside/link", "../../home/precious", "inside/link"),
        ("link", "inside/../../home/precious", "link"),
        ("link", "..", "link/home/precious"),
        ("link", "link", "link"),
        ("link", "link", "link/file"),
    ],
)
def test_a_link_out_of_the_folder_is_refused_and_named(
    folder: Path, operation: str, link: str, target: str, path: str
) -> None:
    (folder / link).symlink_to(target)
    before = contents(folder.parent / "home")
    with pytest.raises(UsageError) as refused:
        OPERATIONS[operation](folder / path, folder)
    assert refused.value.message.startswith(f"'{folder / link}' is a link ")
    assert "\n" not in refused.value.message
    assert contents(folder.parent / "home") == before


def test_a_link_to_a_link_is_named_where_it_leaves(folder: Path) -> None:
    (folder / "first").symlink_to("second")
    (folder / "second").symlink_to("../home/precious")
    with pytest.raises(UsageError, match=r"first' is a link out of '.*run', to '.*precious'"):
        read(folder / "first", folder, 100)


def test_links_that_stay_inside_are_followed(folder: Path) -> None:
    (folder / "to file").symlink_to("file")
    (folder / "to folder").symlink_to(folder / "inside")
    assert read(folder / "to file", folder, 100) == b"inside"
    write_atomically(folder / "to folder" / "new", b"ours", folder)
    with open_to_append(folder / "to folder" / "new", folder) as file:
        file.write(b" too")
    make_folder(folder / "to folder" / "deeper", folder)
    assert (folder / "inside" / "new").read_text() == "ours too"
    assert (folder / "inside" / "deeper").is_dir()
    delete(folder / "to file", folder)
    assert (folder / "file").read_text() == "inside"
    assert not (folder / "to file").is_symlink()


@pytest.mark.parametrize("within", ["linked", "outputs/run"])
def test_the_folder_itself_may_be_a_link_or_lie_behind_one(folder: Path, within: str) -> None:
    (folder.parent / "linked").symlink_to(folder)
    (folder.parent / "outputs").symlink_to(folder.parent, target_is_directory=True)
    place = folder.parent / within
    write_atomically(place / "new", b"ours", place)
    assert read(place / "new", place, 100) == b"ours"
    run = RunFolder.create(place)
    run.update_status(state="finished")
    assert run.read_status() == {"state": "finished"}
    with lock(place):
        save(place / "checkpoint", Checkpoint({}, {"step": 1}))
    assert load(place / "checkpoint").state == {"step": 1}


def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(folder: Path) -> None:
    precious = folder.parent / "home" / "precious"
    (folder / ".file.tmp").symlink_to(precious)
    write_atomically(folder / "file", b"ours")
    assert (folder / "file").read_text() == "ours"
    assert precious.read_text() == "precious"
    assert sorted(path.name for path in folder.iterdir()) == ["file", "inside"]


def special(path: Path, kind: str) -> None:
    if kind == "a folder":
        path.mkdir()
    elif kind == "a named pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(path))  # the address may not be long


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["a folder", "a named pipe", "a socket"])
@pytest.mark.parametrize("operation", ["read", "open to read", "append", "place"])
def test_what_is_no_file_is_refused_and_not_waited_for(
    folder: Path, operation: str, kind: str
) -> None:
    special(folder / "odd", kind)
    with pytest.raises(DataError, match=f"odd' is {kind}, not a file"):
        OPERATIONS[operation](folder / "odd", folder)


def test_a_file_in_the_place_of_a_folder_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match="file' is a file, not a folder"):
        make_folder(folder / "file", folder)
    with pytest.raises(DataError, match="file' is a file, not a folder"):
        read(folder / "file" / "state.json", folder, 100)


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "file").open("r+b") as file:
        file.truncate(1 << 40)  # a sparse file takes no room on the disk
    with pytest.raises(DataError, match="file' is too large: it has more than 2 MiB"):
        read(folder / "file", folder, 2 << 20)


@pytest.mark.parametrize("name", [*FILES, "wandb", "figures/a.png", "checkpoint/state.json"])
def test_a_run_folder_with_a_link_out_of_it_is_refused_as_a_whole(folder: Path, name: str) -> None:
    run = RunFolder.create(folder)
    run.write_config("a: 1")
    (folder / name).unlink(missing_ok=True)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(folder.parent / "home")
    for opened in (RunFolder.open, RunFolder.create):
        with pytest.raises(UsageError) as refused:
            opened(folder)
        assert refused.value.message.startswith(f"'{folder / name}' is a link out of '{folder}'")
        assert refused.value.hint


def test_links_that_vaerun_does_not_use_are_left_alone(folder: Path) -> None:
    RunFolder.create(folder).write_config("a: 1")
    (folder / "notes").symlink_to(folder.parent / "home")
    (folder / "wandb").mkdir()
    (folder / "wandb" / "latest-run").symlink_to("/where/the/run/was/before")
    assert RunFolder.open(folder).read_config() == "a: 1"


METHODS: dict[str, tuple[str, Callable[[RunFolder], object]]] = {
    "write_config": ("config.yaml", lambda run: run.write_config("a: 1")),
    "read_config": ("config.yaml", lambda run: run.read_config()),
    "read_unresolved": ("config_unresolved.yaml", lambda run: run.read_unresolved()),
    "read_status": ("status.json", lambda run: run.read_status()),
    "update_status": ("status.json", lambda run: run.update_status(step=1)),
    "read_summary": ("summary.json", lambda run: run.read_summary()),
    "write_summary": ("summary.json", lambda run: run.write_summary({})),
    "append_record": ("metrics.jsonl", lambda run: run.append_record({"step": 1})),
    "read_records": ("metrics.jsonl", lambda run: run.read_records()),
    "rewind_records": ("metrics.jsonl", lambda run: run.rewind_records(0)),
    "lock": (".lock", lambda run: lock(run.path).__enter__()),
    "scores": ("scores.json", lambda run: ScoresFile(run.path / "scores.json", {"step": 1})),
    "save": (
        "checkpoint",
        lambda run: save(run.path / "checkpoint", Checkpoint({}, {"step": 1})),
    ),
    "load": ("checkpoint", lambda run: load(run.path / "checkpoint")),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_file_of_a_run_is_guarded_by_itself_too(folder: Path, method: str) -> None:
    name, act = METHODS[method]
    target = folder.parent / "home" / ("" if name == "checkpoint" else "precious")
    (folder / name).symlink_to(target)
    before = contents(folder.parent / "home")
    with pytest.raises(UsageError, match=rf"{name}' is a link out of"):
        act(RunFolder(folder))
    assert contents(folder.parent / "home") == before


@pytest.mark.parametrize("name", [*COMPARISON_FILES, "figures/a.png"])
def test_a_comparison_is_not_written_through_links(folder: Path, name: str) -> None:
    comparison = folder / "comparison"
    (comparison / name).parent.mkdir(parents=True)
    (comparison / name).symlink_to(folder.parent / "home" / "precious")
    with pytest.raises(UsageError, match=rf"{name}' is a link out of"):
        refuse_links(comparison, folder)


def test_pictures_of_a_comparison_are_named_plainly(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text('{"figures": ["a", "../../b", "/etc/c.d", ""]}')
    endings = ("png", "pdf", "svg")
    named = [f"{stem}.{ending}" for stem in ("a", "b", "c.d") for ending in endings]
    assert read_figures(tmp_path, tmp_path) == named


def test_a_path_that_is_not_in_the_folder_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in"):
        confined(tmp_path / "run" / ".." / "home", tmp_path / "run")
