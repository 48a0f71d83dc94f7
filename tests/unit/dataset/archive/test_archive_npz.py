import pickle
import re
import struct
import zipfile

import numpy as np
import pytest

from runner.dataset.archive import npz
from runner.dataset.archive.npz import stream_member
from runner.errors import DataError


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(256, size=(11, 5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("chunk_bytes", [1, 60, 200, 10**6])
def test_chunks_in_order_are_the_member(images, save, chunk_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "_CHUNK_BYTES", chunk_bytes)
    save(tmp_path / "a.npz", labels=np.arange(3), images=images)
    chunks = list(stream_member(tmp_path / "a.npz", "images", shape=images.shape))
    assert all(len(chunk) == max(1, chunk_bytes // 60) for chunk in chunks[:-1])
    np.testing.assert_array_equal(np.concatenate(chunks), images)


def test_a_member_of_the_second_version_of_the_format_is_read(images, tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w") as archive,
        archive.open("images.npy", "w") as stream,
    ):
        np.lib.format.write_array(stream, images, version=(2, 0))
    chunks = list(stream_member(tmp_path / "a.npz", "images"))
    np.testing.assert_array_equal(np.concatenate(chunks), images)


def test_a_missing_member_is_named_with_those_there_are(images, tmp_path):
    np.savez(tmp_path / "a.npz", imgs=images)
    with pytest.raises(DataError, match=r"a\.npz' should have an array 'images', and has imgs$"):
        next(stream_member(tmp_path / "a.npz", "images"))


def test_a_wrong_shape_is_named_with_the_right_one(images, tmp_path):
    np.savez(tmp_path / "a.npz", images=images)
    message = "should have the shape (12, 5, 4, 3), not (11, 5, 4, 3)"
    with pytest.raises(DataError, match=re.escape(message)):
        next(stream_member(tmp_path / "a.npz", "images", shape=(12, 5, 4, 3)))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.zeros((2, 3), np.int64), "int64 of shape (2, 3) in C order"),
        (np.zeros((2, 3), np.uint8, order="F"), "uint8 of shape (2, 3) in Fortran order"),
        (np.uint8(1), "uint8 of shape () in C order"),
    ],
)
def test_what_is_no_array_of_bytes_in_c_order_is_refused(values, found, tmp_path):
    np.savez(tmp_path / "a.npz", images=values)
    with pytest.raises(DataError, match=re.escape(found)):
        next(stream_member(tmp_path / "a.npz", "images"))


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
        archive.writestr("images.npy", content + pickle.dumps([Trap()]))
    with pytest.raises(DataError, match="object of shape"):
        next(stream_member(tmp_path / "a.npz", "images"))


def test_an_archive_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"a\.npz' is missing$"):
        next(stream_member(tmp_path / "a.npz", "images"))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_archive_is_one_line(images, share, tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=images)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"^'.*a\.npz' is truncated or corrupt: [^\n]+$"):
        list(stream_member(path, "images"))


def test_a_changed_byte_is_seen_at_the_end(images, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, images=images)
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="truncated or corrupt: Bad CRC-32"):
        list(stream_member(path, "images", shape=images.shape))


def test_a_member_shorter_than_its_header_says_is_truncated(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", (tmp_path / "images.npy").read_bytes()[:-70])
    with pytest.raises(DataError, match="corrupt: it ends after 9 of 11 images"):
        list(stream_member(tmp_path / "a.npz", "images"))


def test_a_member_that_goes_on_is_refused_and_not_inflated(images, tmp_path):
    """A gigabyte of zeros is a megabyte of archive."""
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w") as stream,
    ):
        np.lib.format.write_array(stream, images)
        stream.write(bytes(10**8))
    with pytest.raises(DataError, match=r"corrupt: 'images' goes on after its last image$"):
        list(stream_member(tmp_path / "a.npz", "images"))


def test_an_encrypted_archive_is_one_line(images, tmp_path):
    np.savez(tmp_path / "a.npz", images=images)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"corrupt: File 'images\.npy' is encrypted"):
        list(stream_member(tmp_path / "a.npz", "images"))
