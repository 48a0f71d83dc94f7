"""Ctrl-C and SIGTERM for commands that keep what they have as they go: they stop at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from runner.errors import InterruptedRun


class _Terminated(KeyboardInterrupt):
    """SIGTERM, raised as Ctrl-C is."""


@contextmanager
def stopping(goes_on: str) -> Generator[None]:
    """Turn Ctrl-C and SIGTERM within into an error that says how to go on.

    SIGTERM that is ignored stays ignored; outside of the main thread Python delivers no signals.

    Raises: InterruptedRun.
    """
    previous = None
    if threading.current_thread() is threading.main_thread():
        previous = signal.getsignal(signal.SIGTERM)
        if previous == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    except KeyboardInterrupt as error:
        number = signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT
        raise InterruptedRun("interrupted", goes_on, number) from error
    finally:
        if previous == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated
