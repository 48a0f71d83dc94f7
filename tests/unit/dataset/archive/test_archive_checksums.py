"""Files are found in two places, checked once, and said to be missing in words that help."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from runner.dataset import SOURCES
from runner.dataset.archive.checksums import check, home, missing, require, verify
from runner.dataset.archive.source import RemoteFile
from runner.errors import DataError

BODY = b"some published bytes"


def published(name: str = "a.bin", kind: str = "sha256", body: bytes = BODY) -> RemoteFile:
    digest = f"{kind}:{hashlib.new(kind, body).hexdigest()}"
    return RemoteFile(name, "http://127.0.0.1/", len(body), digest)


SOURCE = replace(
    SOURCES["shapes3d"], name="tiny", folder="own", files=(published(), published("b.bin"))
)


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(BODY)


def test_files_lie_in_the_own_folder_or_beside_it(tmp_path: Path):
    assert home(SOURCE, SOURCE.files, tmp_path) == tmp_path / "own"  # where they belong
    put(tmp_path, "b.bin")
    assert home(SOURCE, SOURCE.files, tmp_path) == tmp_path  # so that the other joins it
    put(tmp_path / "own", "b.bin")
    assert home(SOURCE, SOURCE.files, tmp_path) == tmp_path / "own"
    put(tmp_path, "a.bin")
    assert require(SOURCE, SOURCE.files, tmp_path) == tmp_path
    put(tmp_path / "own", "a.bin")
    assert require(SOURCE, SOURCE.files, tmp_path) == tmp_path / "own"
    assert missing(SOURCE.files, tmp_path / "own") == []


def test_what_is_missing_is_said_with_the_way_to_get_it(tmp_path: Path):
    root = tmp_path / "my data"
    put(root / "own", "a.bin")
    with pytest.raises(DataError) as caught:
        require(SOURCE, SOURCE.files, root)
    assert caught.value.message == f"tiny is not in '{root}': b.bin is missing"
    assert caught.value.hint == (
        f"vaerun fetch tiny data_dir='{root}' brings it where there is a network; "
        f"or put b.bin into '{root / 'own'}'"
    )


def test_a_wrong_file_among_right_ones_is_refused(tmp_path: Path):
    put(tmp_path / "own", "a.bin", "b.bin")
    (tmp_path / "own" / "b.bin").write_bytes(BODY[::-1])
    with pytest.raises(DataError, match=r"b\.bin' is corrupt or another version: sha256"):
        require(SOURCE, SOURCE.files, tmp_path)


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_one_changed_bit_is_noticed(tmp_path: Path, kind: str):
    put(tmp_path, "a.bin")
    path, file = tmp_path / "a.bin", published(kind=kind)
    check(file, path)
    path.write_bytes(bytes([BODY[0] ^ 1, *BODY[1:]]))
    with pytest.raises(DataError) as caught:
        check(file, path)
    wanted = hashlib.new(kind, BODY).hexdigest()[:12]
    assert caught.value.message.endswith(f"… instead of {wanted}…")
    assert f"{kind} {hashlib.new(kind, path.read_bytes()).hexdigest()[:12]}…" in str(caught.value)


def test_another_size_is_said_without_a_digest(tmp_path: Path):
    (tmp_path / "a.bin").write_bytes(BODY[:-3])
    with pytest.raises(DataError) as caught:
        check(published(), tmp_path / "a.bin")
    assert caught.value.message == (
        f"'{tmp_path / 'a.bin'}' is truncated or corrupt: it has 17 bytes instead of 20"
    )


def test_a_file_of_which_nothing_is_known_is_taken_as_it_is(tmp_path: Path):
    put(tmp_path, "a.bin")
    check(RemoteFile("a.bin", "", None, None), tmp_path / "a.bin")


def test_a_digest_is_taken_once_for_a_file_that_stays_untouched(tmp_path: Path):
    put(tmp_path, "a.bin")
    path, file = tmp_path / "a.bin", published()
    verify(file, path)
    assert (tmp_path / ".a.bin.verified").is_file()
    before = path.stat()
    path.write_bytes(BODY[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    verify(file, path)  # it looks untouched
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(DataError, match="is corrupt"):
        verify(file, path)


def test_a_digest_that_was_taken_for_another_version_does_not_count(tmp_path: Path):
    put(tmp_path, "a.bin")
    verify(published(), tmp_path / "a.bin")
    with pytest.raises(DataError, match="another version"):
        verify(published(body=BODY[::-1]), tmp_path / "a.bin")


def test_where_nothing_can_be_noted_the_file_is_checked_again(tmp_path: Path):
    put(tmp_path, "a.bin")
    (tmp_path / ".a.bin.verified").mkdir()
    verify(published(), tmp_path / "a.bin")
    (tmp_path / "a.bin").write_bytes(BODY[::-1])
    with pytest.raises(DataError):
        verify(published(), tmp_path / "a.bin")


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda s: s.name)
def test_what_is_known_of_published_files_has_a_form_that_can_be_checked(source):
    for file in (*source.files, *source.beside):
        assert file.url.startswith(("https://", "http://"))
        assert "/" not in file.name
        assert file.size is None or file.size > 0
        if file.digest is not None:
            kind, _, digits = file.digest.partition(":")
            assert len(digits) == 2 * hashlib.new(kind).digest_size
            assert set(digits) <= set("0123456789abcdef")
