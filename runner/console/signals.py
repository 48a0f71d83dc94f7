"""Ctrl-C, SIGTERM and SIGHUP: stop after the current step.

Schedulers and containers send SIGTERM, a terminal that is closed sends SIGHUP.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any, ClassVar

from rich.console import Console

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
if hasattr(signal, "SIGHUP"):  # not on Windows
    _DEFAULTS[signal.SIGHUP] = signal.SIG_DFL


class Interrupt:
    """A context in which the first signal is recorded, and the second has its default effect.

    In a submitit job all signals after the first are ignored, since its scheduler sends several
    for one event.

    A signal that the process ignores (``nohup``, a script's ``&``) stays ignored. In a thread other
    than the main one nothing is changed, since Python delivers signals to the main thread only.
    """

    last: ClassVar[int | None] = None
    """Signal seen by the most recent Interrupt block; the worker checks it between runs."""

    def __init__(self, console: Console) -> None:
        self.signal_number: int | None = None
        """The first signal received, or None."""
        self._console = console
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _DEFAULTS:
                handler = signal.getsignal(number)
                if handler is not None and handler != signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        while self._previous:
            signal.signal(*self._previous.popitem())
        Interrupt.last = self.signal_number

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.signal_number is not None:
            if "SUBMITIT_EXECUTOR" not in os.environ:
                self._stop_at_once(number)
            return
        self.signal_number = number
        # The signal may have interrupted a write to the same stream, or an import of the library.
        with suppress(RuntimeError, ImportError):
            message = "stopping after this step; once more to stop at once"
            self._console.print(message, soft_wrap=True)

    def _stop_at_once(self, number: int) -> None:
        for each in self._previous:
            signal.signal(each, _DEFAULTS[each])
        self._console.show_cursor()  # SIGTERM leaves no time for the live display to do it
        signal.raise_signal(number)
