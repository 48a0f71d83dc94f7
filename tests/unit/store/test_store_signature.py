"""Signatures: a file is one's own as it was written by this user, and by no other."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from runner.store.signature import is_own, sign


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for the state of a user who has no key yet."""
    return another(monkeypatch, tmp_path / "state")


def another(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    return home


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "config.yaml"


def write(file: Path, text: str) -> None:
    sign(file, text.encode())
    file.write_text(text)


def test_a_file_is_own_as_it_was_written(file: Path, state: Path):
    assert not is_own(file)  # there is none
    write(file, "seed: 0\n")
    assert is_own(file)
    file.write_text("seed: 1\n")
    assert not is_own(file)
    write(file, "seed: 1\n")
    assert is_own(file)


def test_own_folders_may_be_moved_and_copied(file: Path, state: Path, tmp_path: Path):
    write(file, "seed: 0\n")
    shutil.copytree(file.parent, tmp_path / "elsewhere")
    assert is_own(tmp_path / "elsewhere" / "config.yaml")


def test_a_signature_is_for_the_file_of_its_name(file: Path, state: Path):
    write(file, "seed: 0\n")
    other = file.with_name("grid.json")
    shutil.copy(file, other)
    shutil.copy(file.with_name(".config.yaml.signature"), file.with_name(".grid.json.signature"))
    assert not is_own(other)


def test_what_another_user_wrote_is_not_own(
    file: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(file, "seed: 0\n")
    another(monkeypatch, tmp_path / "other state")
    assert not is_own(file)
    another(monkeypatch, state)
    assert is_own(file)


def test_the_key_is_for_its_user_alone(file: Path, state: Path):
    write(file, "seed: 0\n")
    (key,) = state.rglob("key*")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(key.read_bytes()) == 32


@pytest.mark.parametrize("content", [b"", b"x" * 31])
def test_without_a_sound_key_nothing_is_own_and_nothing_fails(
    file: Path, state: Path, content: bytes
):
    (state / "vaerun").mkdir(parents=True)
    (state / "vaerun" / "key").write_bytes(content)
    write(file, "seed: 0\n")
    assert not is_own(file)


def test_where_no_key_can_be_kept_nothing_fails(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "state").touch()
    another(monkeypatch, tmp_path / "state")
    write(file, "seed: 0\n")
    assert not is_own(file)
    assert sorted(path.name for path in file.parent.iterdir()) == ["config.yaml"]
