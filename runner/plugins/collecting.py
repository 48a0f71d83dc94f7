"""The pieces that a file adds while it is read, and where in it they are added."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runner.errors import UsageError
from runner.plugins.pieces import Piece, Place


@dataclass
class _Collection:
    file: str
    pieces: list[Piece] = field(default_factory=list[Piece])


_open: list[_Collection] = []
"""The file that is being read, if one is; the last of several that read each other."""


@contextmanager
def collecting(file: str) -> Generator[list[Piece]]:
    """Hand over the list that receives what the file adds."""
    _open.append(_Collection(file))
    try:
        yield _open[-1].pieces
    finally:
        _open.pop()


def collect(piece: Piece) -> None:
    """Add a piece to what the file at hand adds; where none is read, nothing is done.

    Raises: UsageError where the file adds two of one name.
    """
    if not _open:
        return
    for other in _open[-1].pieces:
        if (other.kind, other.name) == (piece.kind, piece.name):
            message = f"{piece.place}: {piece.title} was added before, in line {other.place.line}"
            raise UsageError(message)
    _open[-1].pieces.append(piece)


def caller() -> Place:
    """Return the line that is at work outside of this package: that of the file that is read."""
    file = _open[-1].file if _open else None
    frame = inspect.currentframe()
    outside = None
    while frame is not None:
        name = frame.f_code.co_filename
        if name == file:
            return Place(name, frame.f_lineno)
        if outside is None and frame.f_globals.get("__package__") != __package__:
            outside = Place(name, frame.f_lineno)
        frame = frame.f_back
    return outside or Place(file or "?", 0)
