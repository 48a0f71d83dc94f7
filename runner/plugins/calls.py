"""Calling an own piece: what goes wrong in it is said in one line that names it."""

from __future__ import annotations

from typing import Any

from runner import memory
from runner.errors import UsageError, VaerunError
from runner.plugins.loading import in_words, place_of
from runner.plugins.pieces import Piece


def call(
    piece: Piece,
    *arguments: object,
    raising: type[VaerunError] = UsageError,
    **by_keyword: object,
) -> Any:  # noqa: ANN401 - whatever the function returns
    """Return what the function of a piece returns.

    ``raising`` is the error in place of one that the function raises: wrong input before a run, a
    run that failed within it.

    Raises: that error, naming the piece and the line; what is expected of any code passes: errors
        of this program and too little memory.
    """
    try:
        return piece.function(*arguments, **by_keyword)
    except VaerunError:
        raise
    except Exception as error:
        if memory.failure(error) is not None:
            raise
        where = place_of(error, piece.place.file)
        raise raising(f"{piece.title}: {where}: {in_words(error)}") from error


def wrong(piece: Piece, what: str) -> str:
    """Return the message for a piece whose function does not return what it should."""
    return f"{piece.title}: {piece.place}: {what}"
