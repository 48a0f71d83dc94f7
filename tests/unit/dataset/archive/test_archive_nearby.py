"""Files that are there, in another folder or form, are found for a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.dataset.archive.checksums import require
from runner.dataset.archive.nearby import elsewhere, in_another_form
from runner.errors import DataError
from tests.unit.dataset.archive.test_archive_checksums import SOURCE, put


@pytest.mark.parametrize("place", ["root/b", "root/b/c", "root/b/c/d", "root/b/c/d/e", "."])
def test_a_file_is_found_around_a_folder(tmp_path: Path, place: str):
    root = tmp_path / "root"
    root.mkdir()
    assert elsewhere(root, "a.bin") is None
    folder = tmp_path / place
    put(folder, "a.bin")
    found = elsewhere(root, "a.bin")
    assert (found is not None) == (place != "root/b/c/d/e")
    if found is not None:
        assert found.samefile(folder / "a.bin")


@pytest.mark.parametrize("name", ["a.bin.gz", "a.zip", "a.npz", "a.h5", "a.bin.tar.gz"])
def test_another_form_is_recognised(tmp_path: Path, name: str):
    put(tmp_path, name)
    assert in_another_form(tmp_path, "a.bin") == tmp_path / name


@pytest.mark.parametrize("name", ["a.bin", "b.npz", ".a.npz", "aa.npz"])
def test_what_is_no_other_form_is_not(tmp_path: Path, name: str):
    put(tmp_path / "root", name)
    assert in_another_form(tmp_path / "root", "a.bin") is None


def test_what_is_missing_is_looked_for_first(tmp_path: Path):
    root = tmp_path / "data"
    root.mkdir()

    def hint() -> str | None:
        with pytest.raises(DataError) as caught:
            require(SOURCE, SOURCE.files, root)
        return caught.value.hint

    put(root, "a.npz")
    assert hint() == f"'{root}/a.npz' is there, and is not the published form, a.bin"
    put(root / "x y", "a.bin", "b.bin")
    assert hint() == f"it is in '{root}/x y': data_dir='{root}/x y'"
    assert require(SOURCE, SOURCE.files, root / "x y") == root / "x y"
