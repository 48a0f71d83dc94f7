"""Download of a file that can be resumed, and that appears only once it is complete and verified.

Our own code, since pooch (1.9) deletes what arrived when a transfer breaks, where these files of up
to several gigabytes are resumed with a Range request.
"""

from __future__ import annotations

import re
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from runner import __version__
from runner.dataset.archive.checksums import check, remember
from runner.dataset.archive.source import Advance, RemoteFile
from runner.errors import DataError

_PATIENCE_SECONDS = 20.0
"""Timeout of the connection."""

_CHUNK_BYTES = 2**20


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, but not from an encrypted connection to one that is not."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - the arguments are those of the library
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the next request.

        Raises: ConnectionError when the server leads elsewhere than a file may come from.
        """
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            fp.close()
            raise ConnectionError(f"the server leads from {before} to {after}, which is not safe")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    file: RemoteFile, path: Path, *, advance: Advance, patience: float = _PATIENCE_SECONDS
) -> None:
    """Download ``file`` to ``path``, continuing what an earlier attempt left in ``.NAME.part``.

    ``advance`` is called with the bytes that are there, those of an earlier attempt first. From a
    server that does not support ranges the whole file is downloaded again.

    Raises: DataError when it does not arrive completely, or is not the published file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    hint = f"the same command goes on where it stopped; or put {path.name} into '{path.parent}'"
    try:
        if file.size is None or _size(part) < file.size:
            _transfer(file, part, advance, patience)
    except HTTPError as error:
        error.close()
        raise DataError(f"{file.name} could not be downloaded ({_reason(error)})", hint) from error
    except (OSError, HTTPException) as error:
        raise DataError(f"{file.name} could not be downloaded ({_reason(error)})", hint) from error
    try:
        check(file, part)
    except DataError as error:
        part.unlink()  # complete and wrong: nothing to continue from
        hint = f"try again, or put an intact copy into '{path.parent}'"
        raise DataError(f"{file.url} sent another file: {error.message}", hint) from error
    part.replace(path)
    remember(file, path)


def _transfer(file: RemoteFile, part: Path, advance: Advance, patience: float) -> None:
    """Append the rest of the file to ``part``, or replace it if the server sends all of it."""
    start = _size(part)
    headers = {"User-Agent": f"vaerun/{__version__}"}  # some servers refuse requests without one
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        request = Request(file.url, headers=headers)
        answer = cast("HTTPResponse", build_opener(_Redirects).open(request, timeout=patience))
    except HTTPError as error:
        if (
            error.code != 416 or not start
        ):  # range not satisfiable: the part is complete, or too long
            raise
        error.close()
        if error.headers.get("Content-Range") == f"bytes */{start}":
            advance(start)
            return
        part.unlink()
        _transfer(file, part, advance, patience)
        return
    with answer:
        total = _save(answer, part, start, advance)
    if total is not None and _size(part) < total:
        raise ConnectionError(f"the server stopped after {_size(part):,} of {total:,} bytes")


def _save(answer: HTTPResponse, part: Path, start: int, advance: Advance) -> int | None:
    """Write what the server sends, and return the size of the whole file, if it is told."""
    if answer.headers.get_content_type() == "text/html":
        raise ConnectionError("the server sent a web page instead of it")
    if answer.status == 206:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise ConnectionError("the server sent another part than the one that is missing")
    else:
        start = 0
    with part.open("ab" if start else "wb") as out:
        advance(start)
        while chunk := answer.read1(
            _CHUNK_BYTES
        ):  # as it arrives: nothing is lost if the connection breaks
            out.write(chunk)
            advance(len(chunk))
    length = answer.headers.get("Content-Length")
    return start + int(length) if length else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """Return why a download failed, in a few words."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = next(iter(text.splitlines()), type(error).__name__)
    return re.sub(r"<urlopen error |\[Errno -?\d+\] |>$", "", line)
