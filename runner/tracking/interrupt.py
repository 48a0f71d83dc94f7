"""Ctrl-C and SIGTERM: finish the step first."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType

from rich.console import Console


class Interrupt:
    """While entered, remembers the first SIGINT or SIGTERM; the second one ends the process."""

    def __init__(self, console: Console) -> None:
        self.signal_number: int | None = None
        self._console = console
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._on_signal)
            except ValueError:  # not the main thread, where Python delivers no signals
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal_number = number
        self._console.print("stopping after this step; once more to stop at once", style="yellow")
