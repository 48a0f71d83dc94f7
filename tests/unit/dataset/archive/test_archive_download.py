"""Downloads go on where they stopped, and nothing that is not whole and right takes its place."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from urllib.request import Request

import pytest

from runner import __version__
from runner.dataset.archive.download import _Redirects, download
from runner.dataset.archive.source import RemoteFile
from runner.errors import DataError
from tests.stub_files import FileServer

BODY = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as files:
        files.content["/some.npz"] = BODY
        yield files


class Transfer:
    """One file, where it goes, and what has been told of it."""

    def __init__(self, server: FileServer, folder: Path) -> None:
        self.server, self.path = server, folder / "some.npz"
        self.part = folder / ".some.npz.part"
        self.url = f"{server.address}/some.npz"
        self.told: list[int] = []

    def file(self, size: int | None = len(BODY), digest: str | None = f"sha256:{SHA256}"):
        return RemoteFile("some.npz", self.url, size, digest)

    def run(self, file: RemoteFile | None = None, patience: float = 5.0) -> None:
        download(file or self.file(), self.path, advance=self.told.append, patience=patience)

    def refused(self, file: RemoteFile | None = None, patience: float = 5.0) -> DataError:
        with pytest.raises(DataError) as caught:
            self.run(file, patience)
        assert not self.path.exists()
        assert "\n" not in caught.value.message
        assert caught.value.exit_code == 3
        return caught.value


@pytest.fixture
def transfer(server: FileServer, tmp_path: Path) -> Transfer:
    return Transfer(server, tmp_path / "some folder")


def arrived(transfer: Transfer) -> set[str]:
    assert transfer.path.read_bytes() == BODY
    assert sum(transfer.told) == len(BODY)
    return {path.name for path in transfer.path.parent.iterdir()}


WHOLE = {"some.npz", ".some.npz.verified"}


@pytest.mark.parametrize("size", [len(BODY), None])
@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_arrives_whole(transfer: Transfer, size, says_length):
    transfer.server.says_length = says_length
    transfer.run(transfer.file(size))
    assert arrived(transfer) == WHOLE
    assert transfer.server.requests == [("/some.npz", None)]


@pytest.mark.parametrize("there", [1, 1000, len(BODY) - 1])
@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_there_is_not_asked_for_again(transfer: Transfer, there, ranges):
    transfer.server.ranges = ranges
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(BODY[:there])
    transfer.run()
    assert arrived(transfer) == WHOLE
    assert transfer.server.requests == [("/some.npz", f"bytes={there}-")]
    assert transfer.told[0] == (there if ranges else 0)


def test_a_server_that_dies_midway_is_said_and_the_next_try_goes_on(transfer: Transfer):
    transfer.server.stop_after = 70_000
    error = transfer.refused()
    assert error.message == (
        "some.npz could not be downloaded (the server stopped after 70,000 of 300,000 bytes)"
    )
    assert error.hint == (
        f"the same command goes on where it stopped; or put some.npz into '{transfer.path.parent}'"
    )
    assert transfer.part.read_bytes() == BODY[:70_000]
    transfer.server.stop_after = None
    transfer.told.clear()
    transfer.run()
    assert transfer.server.requests[-1] == ("/some.npz", "bytes=70000-")
    assert arrived(transfer) == WHOLE


def test_a_silent_server_is_given_up(transfer: Transfer):
    transfer.server.silent = True
    assert "(timed out)" in transfer.refused(patience=0.1).message


def test_without_a_network_it_is_said_what_would_help(tmp_path: Path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    file = RemoteFile("some.npz", f"http://127.0.0.1:{port}/some.npz", None, None)
    with pytest.raises(DataError) as caught:
        download(file, tmp_path / "some.npz", advance=lambda _: None)
    assert caught.value.message == "some.npz could not be downloaded (Connection refused)"


@pytest.mark.parametrize("status", [404, 416, 503])
def test_a_server_s_refusal_is_said(transfer: Transfer, status: int):
    transfer.server.status = status
    assert f"(HTTP Error {status}: " in transfer.refused().message


def test_a_web_page_is_not_the_file(transfer: Transfer):
    transfer.server.content_type = "text/html; charset=utf-8"
    assert "(the server sent a web page instead of it)" in transfer.refused().message
    assert not transfer.part.exists()


def test_another_part_than_was_asked_for_is_refused(transfer: Transfer):
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(BODY[:500])
    transfer.server.shift = 1
    assert "sent another part" in transfer.refused().message
    assert transfer.part.read_bytes() == BODY[:500]


@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_whole_file_with_other_content_is_thrown_away(transfer: Transfer, size: int | None):
    transfer.server.content["/some.npz"] = bytes(len(BODY))
    error = transfer.refused(transfer.file(size))
    assert error.message.startswith(f"{transfer.url} sent another file: ")
    assert f"instead of {SHA256[:12]}…" in error.message
    assert not transfer.part.exists()
    transfer.server.content["/some.npz"] = BODY
    transfer.told.clear()
    transfer.run()
    assert arrived(transfer) == WHOLE


def test_a_part_that_is_whole_already_only_takes_its_place(transfer: Transfer):
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(BODY)
    transfer.run()
    assert transfer.path.read_bytes() == BODY
    assert transfer.server.requests == []


def test_of_a_file_of_unknown_size_the_server_tells_that_it_is_whole(transfer: Transfer):
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(BODY)
    transfer.run(transfer.file(size=None))
    assert arrived(transfer) == WHOLE
    assert transfer.server.requests == [("/some.npz", f"bytes={len(BODY)}-")]


def test_a_part_that_is_longer_than_the_file_is_of_another_one(transfer: Transfer):
    transfer.part.parent.mkdir()
    transfer.part.write_bytes(bytes(len(BODY) + 1))
    transfer.run(transfer.file(size=None))
    assert arrived(transfer) == WHOLE
    assert transfer.server.requests[-1] == ("/some.npz", None)


def test_the_program_says_its_name(transfer: Transfer, monkeypatch: pytest.MonkeyPatch):
    seen: list[str | None] = []

    def stop(_opener, request, timeout):
        seen.append(request.get_header("User-agent"))
        raise ConnectionError("enough")

    monkeypatch.setattr("urllib.request.OpenerDirector.open", stop)
    transfer.refused()
    assert seen == [f"vaerun/{__version__}"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("https://a/x", "http://a/x"),
        ("https://a/x", "HTTP://a/x"),
        ("https://a/x", "ftp://a/x"),
        ("http://a/x", "file:///etc/passwd"),
    ],
)
def test_no_redirect_leaves_an_encrypted_connection_or_the_web(first: str, then: str):
    with pytest.raises(ConnectionError, match="which is not safe"):
        _Redirects().redirect_request(Request(first), BytesIO(), 302, "", HTTPMessage(), then)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("https://a/x", "https://b/x"),
        ("http://a/x", "http://b/x"),
        ("http://a/x", "https://b/x"),
    ],
)
def test_other_redirects_are_followed(first: str, then: str):
    found = _Redirects().redirect_request(Request(first), BytesIO(), 302, "", HTTPMessage(), then)
    assert found is not None
    assert found.full_url == then


def test_a_redirect_to_another_place_than_the_web_is_one_line(transfer: Transfer):
    transfer.server.redirect = "ftp://127.0.0.1/some.npz"
    assert "the server leads from http to ftp, which is not safe" in transfer.refused().message
    transfer.server.redirect = f"{transfer.server.address}/some.npz"
    transfer.run(
        RemoteFile("some.npz", f"{transfer.server.address}/from", None, f"sha256:{SHA256}")
    )
    assert arrived(transfer) == WHOLE
