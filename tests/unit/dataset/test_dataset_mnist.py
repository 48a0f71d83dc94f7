import gzip
import hashlib
import re
import socket
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import Tensor

from runner.dataset import mnist
from runner.dataset.mnist import FASHION_MNIST, MNIST, Collection, IdxFile
from runner.errors import DataError

CPU = torch.device("cpu")


def idx_bytes(values: Tensor) -> bytes:
    """Return the IDX file of bytes of any shape, written from the format's description."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + bytes(values.flatten().tolist())


class Tiny:
    """A collection of a few random images, and the four files it is published as."""

    def __init__(self, folder: str = "MNIST") -> None:
        source = torch.Generator().manual_seed(0)
        self.values: dict[str, Tensor] = {}
        self.content: dict[str, bytes] = {}
        pairs = []
        for part, count in (("train", 12), ("t10k", 5)):
            images = torch.randint(256, (count, 4, 6), generator=source, dtype=torch.uint8)
            labels = torch.randint(10, (count,), generator=source, dtype=torch.uint8)
            pairs.append(
                (
                    self._publish(f"{part}-images-idx3-ubyte", images),
                    self._publish(f"{part}-labels-idx1-ubyte", labels),
                )
            )
        names = tuple("0123456789")
        self.collection = Collection("tiny", folder, names, train=pairs[0], test=pairs[1])

    def _publish(self, name: str, values: Tensor) -> IdxFile:
        self.values[name] = values
        self.content[name] = idx_bytes(values)
        digest = hashlib.sha256(self.content[name]).hexdigest()
        return IdxFile(name, tuple(values.shape), digest)

    def write(self, raw: Path) -> None:
        raw.mkdir(parents=True, exist_ok=True)
        for name, content in self.content.items():
            (raw / name).write_bytes(content)


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


@pytest.fixture
def no_download(monkeypatch) -> None:
    def refuse(self) -> None:
        raise AssertionError("a download was attempted")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", refuse)


def file_names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_files_in_torchvisions_folders_are_read(tiny, tmp_path, no_download):
    tiny.write(tmp_path / "MNIST" / "raw")
    dataset = mnist.load(tiny.collection, str(tmp_path), CPU)
    assert (dataset.name, dataset.has_test_split, dataset.shape) == ("tiny", True, (1, 4, 6))
    assert [(f.name, f.size) for f in dataset.factors] == [("label", 10)]
    for split, part, count in ((dataset.train, "train", 12), (dataset.test, "t10k", 5)):
        assert split.size == count
        indices_B = torch.tensor([3, 0, 3])
        images_BCHW, labels_BF = split.images(indices_B), split.factors(indices_B)
        assert (images_BCHW.dtype, labels_BF.dtype) == (torch.uint8, torch.int64)
        assert torch.equal(images_BCHW[:, 0], tiny.values[f"{part}-images-idx3-ubyte"][indices_B])
        assert torch.equal(labels_BF[:, 0], tiny.values[f"{part}-labels-idx1-ubyte"][indices_B])


def test_our_files_are_those_that_torchvision_reads(tiny, tmp_path, no_download):
    tiny.write(tmp_path / "MNIST" / "raw")
    dataset = mnist.load(tiny.collection, str(tmp_path), CPU)
    reference = torchvision.datasets.MNIST(tmp_path, train=True, download=False)
    every = torch.arange(12)
    assert torch.equal(dataset.train.images(every)[:, 0], reference.data)
    assert torch.equal(dataset.train.factors(every)[:, 0], reference.targets)


def test_a_home_folder_may_be_written_with_a_tilde(tiny, tmp_path, monkeypatch, no_download):
    monkeypatch.setenv("HOME", str(tmp_path))
    tiny.write(tmp_path / "images" / "MNIST" / "raw")
    assert mnist.load(tiny.collection, "~/images", CPU).train.size == 12


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("keep", [0, 3, -1])
def test_a_truncated_file_is_refused_by_its_size(tiny, tmp_path, no_download, name, keep):
    raw = tmp_path / "MNIST" / "raw"
    tiny.write(raw)
    content = tiny.content[name][:keep]
    (raw / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        mnist.load(tiny.collection, str(tmp_path), CPU)
    assert caught.value.message == (
        f"'{raw / name}' is truncated or corrupt: "
        f"it has {len(content)} bytes instead of {len(tiny.content[name])}"
    )
    assert "delete it" in (caught.value.hint or "")


def test_one_changed_bit_is_refused(tiny, tmp_path, no_download):
    raw = tmp_path / "MNIST" / "raw"
    tiny.write(raw)
    path = raw / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        mnist.load(tiny.collection, str(tmp_path), CPU)
    wanted = tiny.collection.test[0].sha256[:12]
    found = hashlib.sha256(content).hexdigest()[:12]
    assert caught.value.message == (
        f"'{path}' is corrupt: 136 bytes as expected, but sha256 {found}… instead of {wanted}…"
    )


def test_a_missing_file_is_said_to_be_unreadable(tiny, tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(No such file"):
        mnist.read(tmp_path / tiny.collection.train[0].name, tiny.collection.train[0])


@pytest.mark.parametrize("folder", ["MNIST", "FashionMNIST"])
def test_missing_files_are_downloaded_by_torchvision(folder, tmp_path, monkeypatch):
    tiny = Tiny(folder)
    roots = []

    def download(self) -> None:
        roots.append(Path(self.root))
        tiny.write(Path(self.raw_folder))
        (Path(self.raw_folder) / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b""))

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    data_dir = tmp_path / "not" / "there"
    dataset = mnist.load(tiny.collection, str(data_dir), CPU)
    assert dataset.train.size == 12
    assert file_names(data_dir) == {f"{folder}/raw/{name}" for name in tiny.content}
    assert len(roots) == 1
    assert not roots[0].exists()
    mnist.load(tiny.collection, str(data_dir), CPU)
    assert len(roots) == 1


def test_one_missing_file_is_enough_for_a_download(tiny, tmp_path, monkeypatch):
    raw = tmp_path / "MNIST" / "raw"
    tiny.write(raw)
    (raw / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setattr(
        torchvision.datasets.MNIST, "download", lambda self: tiny.write(Path(self.raw_folder))
    )
    assert mnist.load(tiny.collection, str(tmp_path), CPU).test.size == 5


def test_a_wrong_download_is_not_believed(tiny, tmp_path, monkeypatch):
    def download(self) -> None:
        tiny.write(Path(self.raw_folder))
        (Path(self.raw_folder) / "train-images-idx3-ubyte").write_bytes(b"<html>log in</html>")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    with pytest.raises(DataError, match="it has 19 bytes instead of 304"):
        mnist.load(tiny.collection, str(tmp_path), CPU)


TORCHVISIONS_MESSAGE = """Error downloading train-images-idx3-ubyte.gz:
Tried https://one.example/mnist/, got:
<urlopen error [Errno -2] Name or service not known>
Tried http://two.example/mnist/, got:
HTTP Error 404: Not Found
"""


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (RuntimeError(TORCHVISIONS_MESSAGE), "Name or service not known"),
        (RuntimeError("File not found or corrupted."), "File not found or corrupted."),
        (URLError(TimeoutError("timed out")), "timed out"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(
    tiny, tmp_path, monkeypatch, failure, reason
):
    def download(self) -> None:
        (Path(self.root) / "half.gz").write_bytes(b"half")
        raise failure

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    data_dir = tmp_path / "data"
    with pytest.raises(DataError) as caught:
        mnist.load(tiny.collection, str(data_dir), CPU)
    assert caught.value.message == (
        f"tiny is not in '{data_dir}' and could not be downloaded ({reason})"
    )
    assert caught.value.hint == (
        "dataset=sprites and dataset=digits need no download; "
        "or name a folder that holds MNIST/raw with data_dir=…"
    )
    assert not data_dir.exists()


def test_a_download_that_cannot_be_stored_is_one_line(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(
        torchvision.datasets.MNIST, "download", lambda self: tiny.write(Path(self.raw_folder))
    )
    occupied = tmp_path / "data"
    occupied.write_text("a file, not a folder")
    with pytest.raises(DataError, match=r"could not be downloaded \(Not a directory\)"):
        mnist.load(tiny.collection, str(occupied), CPU)


def test_a_silent_server_is_not_waited_for_for_ever(tiny, tmp_path, monkeypatch):
    seen = []

    def download(self) -> None:
        seen.append(socket.getdefaulttimeout())
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(7)
    try:
        with pytest.raises(DataError, match="no route to host"):
            mnist.load(tiny.collection, str(tmp_path), CPU)
        assert seen == [20]
        assert socket.getdefaulttimeout() == 7
    finally:
        socket.setdefaulttimeout(before)


@pytest.mark.parametrize("collection", [MNIST, FASHION_MNIST], ids=lambda c: c.name)
def test_the_published_files_are_described_fully(collection):
    assert [file.size for file in (*collection.train, *collection.test)] == [
        47_040_016,
        60_008,
        7_840_016,
        10_008,
    ]
    digests = {file.sha256 for file in (*collection.train, *collection.test)}
    assert len(digests) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert len(collection.class_names) == 10


def test_torchvision_names_the_folder_the_files_and_the_classes_as_we_do():
    for collection, theirs in (
        (MNIST, torchvision.datasets.MNIST),
        (FASHION_MNIST, torchvision.datasets.FashionMNIST),
    ):
        names = {file.name for file in (*collection.train, *collection.test)}
        assert theirs.__name__ == collection.folder
        assert {Path(name).stem for name, _ in theirs.resources} == names
    assert FASHION_MNIST.class_names == tuple(torchvision.datasets.FashionMNIST.classes)
    assert MNIST.class_names == tuple(c[0] for c in torchvision.datasets.MNIST.classes)


def lower(root: Path, tiny: Tiny) -> None:
    tiny.write(root / "tiny")


def without_raw(root: Path, tiny: Tiny) -> None:
    tiny.write(root / "MNIST")


def compressed(root: Path, tiny: Tiny) -> None:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in tiny.content.items():
        (raw / f"{name}.gz").write_bytes(gzip.compress(content))


def dotted(root: Path, tiny: Tiny) -> None:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in tiny.content.items():
        (raw / name.replace("-idx", ".idx")).write_bytes(content)


@pytest.mark.parametrize("place", [lower, without_raw, compressed, dotted])
def test_files_in_another_usual_form_are_simply_read(tiny, tmp_path, no_download, place):
    place(tmp_path, tiny)
    assert mnist.load(tiny.collection, str(tmp_path), CPU).train.size == 12


@pytest.mark.parametrize("part", ["MNIST", "MNIST/raw"])
def test_the_folder_may_be_one_within_the_usual(tiny, tmp_path, no_download, part):
    tiny.write(tmp_path / "MNIST" / "raw")
    assert mnist.load(tiny.collection, str(tmp_path / part), CPU).train.size == 12


def test_files_of_another_collection_with_these_names_are_not_taken(tiny, tmp_path, offline):
    tiny.write(tmp_path / "FashionMNIST" / "raw")
    with pytest.raises(DataError, match="could not be downloaded"):
        mnist.load(tiny.collection, str(tmp_path / "FashionMNIST" / "raw"), CPU)


@pytest.fixture
def offline(monkeypatch) -> None:
    def fail(self) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", fail)


def hint(tiny: Tiny, root: Path) -> str:
    with pytest.raises(DataError) as caught:
        mnist.load(tiny.collection, str(root), CPU)
    return caught.value.hint or ""


def test_a_hint_looks_at_the_folder_first(tiny, tmp_path, offline):
    root = tmp_path / "a b"
    root.mkdir()
    assert "need no download" in hint(tiny, root)
    (root / "tiny.npz").write_bytes(b"")
    assert hint(tiny, root).startswith(f"'{root / 'tiny.npz'}' is there, and is not the published")
    tiny.write(root / "mine")
    assert hint(tiny, root) == f"it is in '{root}/mine', and belongs in '{root}/MNIST/raw'"
    tiny.write(tmp_path / "a b" / "x" / "MNIST" / "raw")
    tiny.write(root / "MNIST" / "raw")
    (root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    there = "has train-images-idx3-ubyte, and lacks t10k-labels-idx1-ubyte"
    assert hint(tiny, root) == f"'{root}/MNIST/raw' {there}"


def test_a_hint_names_the_folder_that_works(tiny, tmp_path, offline, no_download):
    tiny.write(tmp_path / "x y" / "MNIST" / "raw")
    found = tmp_path / "x y" / "MNIST" / "raw"
    assert mnist.remedy(tiny.collection, tmp_path) == (
        f"it is in '{found}': data_dir='{tmp_path / 'x y'}'"
    )
    assert mnist.load(tiny.collection, str(tmp_path / "x y"), CPU).train.size == 12


def test_a_damaged_compressed_file_is_refused(tiny, tmp_path, no_download):
    compressed(tmp_path, tiny)
    path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="is truncated or corrupt"):
        mnist.load(tiny.collection, str(tmp_path), CPU)
