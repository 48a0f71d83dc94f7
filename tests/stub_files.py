"""A file server on 127.0.0.1 that can fail as real servers do."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer:
    """Serves ``content`` by path; its other fields choose a failure."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.ranges = True
        self.says_length = True
        self.stop_after: int | None = None
        self.status: int | None = None
        self.content_type = "application/octet-stream"
        self.shift = 0
        self.silent = False
        self.redirect: str | None = None
        self.requests: list[tuple[str, str | None]] = []
        self._released = threading.Event()
        handler = type("Handler", (_Handler,), {"files": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self) -> None:
        self._released.wait(10)


class _Handler(BaseHTTPRequestHandler):
    files: FileServer

    def do_GET(self) -> None:
        files, wanted = self.files, self.headers.get("Range")
        files.requests.append((self.path, wanted))
        if files.silent:
            files.wait()
            return
        if files.redirect and not files.redirect.endswith(f"{self.headers['Host']}{self.path}"):
            self.send_response(302)
            self.send_header("Location", files.redirect)
            self.end_headers()
            return
        if files.status:
            self.send_error(files.status)
            return
        body = files.content[self.path]
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if wanted and files.ranges and start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        is_part = bool(wanted) and files.ranges
        rest = body[start:] if is_part else body
        self.send_response(206 if is_part else 200)
        self.send_header("Content-Type", files.content_type)
        if is_part:
            first = start + files.shift
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        if files.says_length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: files.stop_after])

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
