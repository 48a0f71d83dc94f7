"""Only what is known goes, and nothing is reached through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.store.removal import Known, Part, look, remove
from tests.snapshot import snapshot

KNOWN = Known(
    files=("config.yaml", ".lock", ".*.tmp"),
    parts={
        "figures": Part(("*.png",)),
        "wandb": Part(("run-*", "latest-run"), whole=True),
    },
    last=("config.yaml", ".lock"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    for name in (
        "config.yaml", ".lock", ".x.tmp", "figures/a.png", "figures/more/b.png",
        "wandb/run-1/files/deep/anything",
    ):  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")
    return folder


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    (outside / "figures").mkdir(parents=True)
    for name in ("a.png", "config.yaml", "figures/c.png", "run-1"):
        (outside / name).write_text("precious")
    return outside


def test_a_look_counts_and_changes_nothing(folder: Path):
    before = snapshot(folder)
    found = look(folder, KNOWN)
    assert (found.files, found.bytes, found.left) == (6, 30, [])
    assert snapshot(folder) == before


def test_a_folder_of_which_all_is_known_goes(folder: Path):
    assert remove(folder, KNOWN).left == []
    assert not folder.exists()


def test_what_is_not_known_stays_with_the_folders_above_it(folder: Path):
    for name in ("notes.txt", "figures/plot.py", "wandb/mine", "data/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    left = ["data/", "figures/plot.py", "notes.txt", "wandb/mine"]
    assert look(folder, KNOWN).left == left
    assert remove(folder, KNOWN).left == left
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert kept == {"notes.txt", "figures/plot.py", "wandb/mine", "data/a.png"}


@pytest.mark.parametrize(
    "name", ["figures/a.png", "config.yaml", "wandb/latest-run", "wandb/run-2"]
)
def test_a_link_goes_and_what_it_points_to_stays(folder: Path, precious: Path, name: str):
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(precious)
    before = snapshot(precious)
    assert remove(folder, KNOWN).left == []
    assert snapshot(precious) == before


@pytest.mark.parametrize("part", ["figures", "wandb"])
def test_a_link_in_place_of_a_part_goes_alone(folder: Path, precious: Path, part: str):
    (folder / part).rename(folder.parent / "moved")
    (folder / part).symlink_to(precious)
    before = snapshot(precious)
    assert remove(folder, KNOWN).left == []
    assert snapshot(precious) == before


def test_a_link_of_another_name_stays(folder: Path, precious: Path):
    for name in ("elsewhere", "figures/all", "wandb/other"):
        (folder / name).symlink_to(precious)
    before = snapshot(precious)
    assert remove(folder, KNOWN).left == ["elsewhere", "figures/all", "wandb/other"]
    assert (folder / "elsewhere").is_symlink()
    assert snapshot(precious) == before


def test_a_link_put_in_place_of_a_folder_at_the_last_moment_is_not_followed(
    folder: Path, precious: Path, monkeypatch: pytest.MonkeyPatch
):
    before, entries = snapshot(precious), os.stat

    def swap(name: str, **options: object) -> os.stat_result:
        status = entries(name, **options)
        if name == "more" and not (folder / "figures" / "more").is_symlink():
            (folder / "figures" / "more").rename(folder.parent / "moved")
            (folder / "figures" / "more").symlink_to(precious)
        return status

    monkeypatch.setattr(os, "stat", swap)
    assert remove(folder, KNOWN).left == ["figures/more/"]
    assert snapshot(precious) == before


def test_what_a_folder_is_known_by_goes_last(folder: Path, monkeypatch: pytest.MonkeyPatch):
    gone: list[str] = []
    unlink = os.unlink

    def note(name: str, **options: int) -> None:
        gone.append(name)
        unlink(name, **options)

    monkeypatch.setattr(os, "unlink", note)
    remove(folder, KNOWN)
    assert gone[-2:] == ["config.yaml", ".lock"]
    assert len(gone) == 6


def test_folders_without_end_are_not_entered(folder: Path):
    deep = folder / "wandb" / "run-1"
    for _ in range(200):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (left,) = look(folder, KNOWN).left
    assert left.startswith("wandb/run-1/d/d/")


def test_pipes_and_names_that_are_no_text_are_only_unlinked(folder: Path):
    os.mkfifo(folder / "figures" / "pipe.png")
    (folder / "figures" / os.fsdecode(b"\xff.png")).write_text("")
    assert remove(folder, KNOWN).left == []
    assert not folder.exists()


def test_a_link_in_place_of_the_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(folder)
    before = snapshot(folder)
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        remove(tmp_path / "link", KNOWN)
    assert snapshot(folder) == before
