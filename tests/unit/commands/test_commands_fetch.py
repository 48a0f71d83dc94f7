"""``vaerun fetch`` downloads, checks and unpacks files once; errors are one line."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from runner import cli
from runner.commands import fetch
from runner.commands.arguments import read
from runner.commands.manual import FETCH
from runner.dataset import DATASETS, SOURCES, Factor, mnist
from runner.dataset.archive import archive as published
from runner.dataset.archive.source import RemoteFile, Source
from runner.errors import DataError, InterruptedRun, UsageError
from tests.stub_files import FileServer

BODY = bytes(range(200)) * 500
PICTURE = b"a picture"


def bring(arguments: list[str]) -> None:
    assert fetch.run(read(FETCH, arguments)) == 0


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as files:
        files.content = {"/tiny.bin": BODY, "/picture.jpg": PICTURE}
        yield files


def unpack(folder, images_NCHW, advance):
    assert (folder / "tiny.bin").read_bytes() == BODY
    for n, image in enumerate(images_NCHW):
        image[:] = n
        advance(1)


@pytest.fixture
def tiny(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A dataset `tiny` of an archive and a second file."""
    source = Source(
        name="tiny",
        folder="own",
        files=(
            RemoteFile(
                "tiny.bin",
                f"{server.address}/tiny.bin",
                len(BODY),
                f"sha256:{hashlib.sha256(BODY).hexdigest()}",
            ),
        ),
        images=6,
        shape=(1, 2, 2),
        factors=(Factor("shape", 2), Factor("x", 3)),
        class_factor="shape",
        class_names=("round", "square"),
        unpack=unpack,
        beside=(
            RemoteFile(
                "picture.jpg",
                f"{server.address}/picture.jpg",
                None,
                f"md5:{hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()}",
            ),
        ),
    )
    monkeypatch.setattr(fetch, "SOURCES", {**SOURCES, "tiny": source})
    monkeypatch.setattr(fetch, "DATASETS", {**DATASETS, "tiny": DATASETS["dsprites"]})
    return source


FILES = {
    "tiny.bin", ".tiny.bin.verified", "tiny.bin.images.npy", "picture.jpg", ".picture.jpg.verified",
}  # fmt: skip


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_dataset_is_downloaded_and_unpacked_once(tiny, server, tmp_path, capsys):
    bring(["tiny", f"data_dir={tmp_path}"])
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path / 'own'}\n"
    assert "tiny.bin: 0.1 MB of 0.1 MB" in printed.err
    assert "unpacking tiny: 6 of 6" in printed.err
    assert printed.err.endswith("tiny is ready: vaerun dataset=tiny\n")
    assert names(tmp_path / "own") == FILES
    dataset = published.load(tiny, str(tmp_path), torch.device("cpu"))
    assert dataset.train.images(torch.tensor([4])).unique().tolist() == [4]

    requests = len(server.requests)
    bring(["tiny", f"data_dir={tmp_path}"])
    assert len(server.requests) == requests == 2
    assert capsys.readouterr().err == "tiny is ready: vaerun dataset=tiny\n"


def test_an_unpacked_dataset_needs_no_archive(tiny, server, tmp_path):
    bring(["tiny", f"data_dir={tmp_path}"])
    (tmp_path / "own" / "tiny.bin").unlink()
    (tmp_path / "own" / "picture.jpg").unlink()
    server.requests.clear()
    bring(["tiny", f"data_dir={tmp_path}"])
    assert server.requests == [("/picture.jpg", None)]


def test_a_file_that_was_put_there_by_hand_is_verified_and_kept(tiny, server, tmp_path):
    (tmp_path / "tiny.bin").write_bytes(BODY)
    bring(["tiny", f"data_dir={tmp_path}"])
    assert server.requests == [("/picture.jpg", None)]
    assert names(tmp_path / "own") == {
        "tiny.bin.images.npy", "picture.jpg", ".picture.jpg.verified",
    }  # fmt: skip


def test_a_wrong_file_that_was_put_there_is_refused(tiny, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tiny.bin").write_bytes(BODY[::-1])
    with pytest.raises(DataError, match="is corrupt or another version"):
        bring(["tiny", f"data_dir={tmp_path}"])


def test_an_interrupted_download_is_resumed(tiny, server, tmp_path, capsys):
    server.stop_after = 30_000
    with pytest.raises(DataError) as caught:
        bring(["tiny", f"data_dir={tmp_path}"])
    assert "stopped after 30,000 of 100,000 bytes" in caught.value.message
    assert names(tmp_path / "own") == {".tiny.bin.part"}
    server.stop_after = None
    bring(["tiny", f"data_dir={tmp_path}"])
    assert ("/tiny.bin", "bytes=30000-") in server.requests
    assert names(tmp_path / "own") == FILES


def test_ctrl_c_says_that_the_same_command_goes_on(tiny, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "download", interrupt)
    with pytest.raises(InterruptedRun) as caught:
        bring(["tiny", f"data_dir={tmp_path}"])
    assert caught.value.exit_code == 130
    assert "the same command goes on" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["dsprits"], "unknown dataset 'dsprits'", "did you mean 'dsprites'?"),
        (["sprites", "shapes"], "unknown dataset 'shapes'", "did you mean 'shapes3d'?"),
        (
            ["dsprites", "dir=x"],
            "fetch does not know the setting 'dir'",
            "did you mean 'data_dir'?",
        ),
        (["steps=4"], "fetch does not know the setting 'steps'", None),
        (["dsprites", "data_dir="], "data_dir= names no folder", None),
    ],
)
def test_invalid_arguments_are_refused_before_any_download(arguments, message, hint):
    with pytest.raises(UsageError) as caught:
        bring(arguments)
    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint


@pytest.mark.parametrize("name", ["sprites", "digits", "pinwheel"])
def test_a_dataset_without_files_needs_no_download(name, tmp_path, capsys):
    bring([name, f"data_dir={tmp_path}"])
    printed = capsys.readouterr()
    assert printed.err == f"{name} comes with the program: there is nothing to fetch\n"
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_mnist_is_loaded_by_its_own_module(tmp_path, monkeypatch, capsys):
    loaded = []
    monkeypatch.setattr(mnist, "load", lambda *given: loaded.append(given))
    bring(["fashion_mnist", f"data_dir={tmp_path}"])
    assert loaded == [(mnist.FASHION_MNIST, str(tmp_path), torch.device("cpu"))]
    assert capsys.readouterr().out == f"{tmp_path / 'FashionMNIST'}\n"


def test_the_folder_is_the_one_that_a_run_would_look_in(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    bring(["tiny"])
    assert capsys.readouterr().out == "data/own\n"
    assert names(tmp_path / "data" / "own") == FILES


def test_a_home_folder_may_be_written_with_a_tilde(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    bring(["tiny", "data_dir=~/images"])
    assert names(tmp_path / "images" / "own") == FILES


def test_without_a_name_all_are_listed_with_their_sizes(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    bring([f"data_dir={tmp_path}"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    rows = {line[0]: line[1:] for line in lines}
    assert set(rows) >= {"mnist", "fashion_mnist", "tiny", *SOURCES}
    assert rows["shapes3d"] == ["267.6", "MB", "5.9", "GB"]
    assert rows["tiny"] == ["not", "known", "0.0", "MB"]
    assert rows["mnist"] == ["55.0", "MB"]
    bring(["tiny", f"data_dir={tmp_path}"])
    capsys.readouterr()
    bring([f"data_dir={tmp_path}"])
    assert f"0.0 MB    in '{tmp_path}'" in capsys.readouterr().out


def test_on_a_terminal_a_bar_is_drawn_and_no_lines(tmp_path):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with fetch._Meter(console, "some.npz", 1000, in_bytes=True) as meter:
        meter.advance(400)
        meter.advance(600)
    assert "1.0/1.0 kB" in out.getvalue()
    assert "some.npz: " not in out.getvalue()


def test_without_a_terminal_lines_are_printed_now_and_then(monkeypatch):
    out = io.StringIO()
    console = Console(file=out, width=100)
    monkeypatch.setattr(fetch, "_PLAIN_SECONDS", 1000.0)
    with fetch._Meter(console, "some.npz", None, in_bytes=True) as meter:
        meter.advance(1_000_000)
        meter.advance(500_000)
    assert out.getvalue() == "some.npz: 1.5 MB\n"
    monkeypatch.setattr(fetch, "_PLAIN_SECONDS", 0.0)
    with fetch._Meter(console, "unpacking", 3000, in_bytes=False) as meter:
        meter.advance(1000)
        meter.advance(2000)
    assert out.getvalue().splitlines()[1:] == [
        "unpacking: 1,000 of 3,000",
        "unpacking: 3,000 of 3,000",
    ]


@pytest.mark.parametrize("name", [n for n, loader in DATASETS.items() if loader.is_kept])
def test_every_dataset_is_fetched_or_comes_with_the_program(name):
    comes = name in {"sprites", "digits", "pinwheel"}
    assert comes or name in fetch.COLLECTIONS or name in SOURCES


def test_files_that_are_not_downloaded_are_said_to_be_elsewhere(capsys):
    with pytest.raises(UsageError, match="yale_faces are not downloaded by vaerun") as refused:
        bring(["yale_faces"])
    assert "ExtYaleB.html" in str(refused.value.hint)
    bring([])
    assert "by hand: vaerun fetch yale_faces" in capsys.readouterr().out


def test_a_dataset_that_is_drawn_from_another_brings_its_files(tmp_path, monkeypatch, capsys):
    brought = []
    monkeypatch.setattr(mnist, "load", lambda collection, *_: brought.append(collection))
    bring(["multi_mnist", f"data_dir={tmp_path}"])
    assert brought == [mnist.MNIST]
    assert "multi_mnist is ready" in capsys.readouterr().err


def test_the_command_line_returns_exit_codes(tiny, server, tmp_path, monkeypatch, capsys):
    def vaerun(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["vaerun", *arguments])
        return cli.main()

    assert vaerun("fetch", "tiny", f"data_dir={tmp_path}") == 0
    assert vaerun("fetch", "tinny") == 2
    server.content["/tiny.bin"] = replace(tiny).name.encode()
    capsys.readouterr()
    assert vaerun("fetch", "tiny", f"data_dir={tmp_path / 'other'}") == 3
    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert error.startswith(f"error: {server.address}/tiny.bin sent another file: ")
    assert hint == f"  try again, or put an intact copy into '{tmp_path / 'other' / 'own'}'"


@pytest.fixture
def undigested(tiny: Source, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A dataset whose second file was published without a digest."""
    source = replace(tiny, beside=(replace(tiny.beside[0], digest=None),))
    monkeypatch.setattr(fetch, "SOURCES", {**SOURCES, "tiny": source})
    return source


def test_a_file_without_a_digest_is_not_taken_unasked(undigested, server, tmp_path):
    with pytest.raises(UsageError, match=r"picture\.jpg comes without a digest") as refused:
        bring(["tiny", f"data_dir={tmp_path}"])
    hint = f"vaerun fetch tiny data_dir={tmp_path} --unverified takes it as it comes"
    assert refused.value.hint == hint
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_digest_is_taken_when_told_to(undigested, tmp_path, capsys):
    bring(["tiny", f"data_dir={tmp_path}", "--unverified"])
    assert "note: picture.jpg comes without a digest" in capsys.readouterr().err
    assert names(tmp_path / "own") == FILES
    bring(["tiny", f"data_dir={tmp_path}"])  # which is there now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A terminal on which somebody types a line."""

    def types(line: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{line}\n"))
        for stream in (sys.stdin, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(fetch, "make_console", lambda: Console(quiet=True))

    return types


@pytest.mark.parametrize("answer", ["y", "Yes"])
def test_on_a_terminal_one_is_asked(undigested, tmp_path, terminal, capsys, answer: str):
    terminal(answer)
    bring(["tiny", f"data_dir={tmp_path}"])
    assert "/picture.jpg? [y/N]" in capsys.readouterr().err
    assert names(tmp_path / "own") == FILES


@pytest.mark.parametrize("answer", ["n", "", "yo"])
def test_any_other_answer_is_no(undigested, tmp_path, terminal, answer: str):
    terminal(answer)
    with pytest.raises(UsageError, match="comes without a digest"):
        bring(["tiny", f"data_dir={tmp_path}"])
    assert list(tmp_path.iterdir()) == []
