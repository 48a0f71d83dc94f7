"""How far a long computation is, and what it leaves out: loops say it, whoever shows it listens.

A computation neither prints nor knows who asked for it. What listens may raise an error, by which a
computation is stopped between two items of a loop.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Listener(Protocol):
    """Shows how far a computation is."""

    def tell(self, what: str, done: int, total: int) -> None:
        """Take how many items of a loop are done; ``what`` says what is done with them."""
        ...

    def check(self) -> None:
        """Raise an error where the computation is to stop."""
        ...

    def left_out(self, what: str) -> None:
        """Take a sentence about what was left out to bound time or memory."""
        ...


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)
_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Let a listener hear of all computations within, in place of one outside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(what: str, done: int, total: int) -> None:
    """Say how many items of a loop are done.

    Raises: what the listener raises, to stop here.
    """
    if (listener := _listener.get()) is not None:
        listener.tell(what, done, total)


def check() -> None:
    """Give the listener a chance to stop in the middle of an item.

    Raises: what the listener raises.
    """
    if (listener := _listener.get()) is not None:
        listener.check()


@contextmanager
def silenced() -> Generator[None]:
    """Let :func:`say` print nothing within."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def is_silenced() -> bool:
    """Whether whoever asked for the computation wants to read nothing."""
    return _silent.get()


def say(line: str) -> None:
    """Print a line on stderr, for whoever waits for something that is done once."""
    if not is_silenced():
        sys.stderr.write(f"{line}\n")


def left_out(what: str) -> None:
    """Say in one sentence what was left out."""
    if (listener := _listener.get()) is not None:
        listener.left_out(what)


def counted(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Yield the items of a loop, and say before each how many are done."""
    for done, item in enumerate(items):
        tell(what, done, total)
        yield item
    tell(what, total, total)
