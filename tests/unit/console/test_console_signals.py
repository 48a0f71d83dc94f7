"""Signals: the first is noted, the second stops, and afterwards all is as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from runner.console.signals import Interrupt

MESSAGE = "stopping after this step; once more to stop at once\n"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """Whoever started the tests may have told them to ignore signals."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), highlight=False, _environ={})


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_said_once(console: Console, number: int) -> None:
    with Interrupt(console) as interrupt:
        assert interrupt.signal_number is None
        os.kill(os.getpid(), number)
        assert interrupt.signal_number == number
    assert interrupt.signal_number == number
    assert text(console) == MESSAGE


def test_the_second_ctrl_c_is_a_keyboard_interrupt(console: Console) -> None:
    with Interrupt(console) as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert interrupt.signal_number == signal.SIGTERM
    assert text(console) == MESSAGE


def test_handlers_are_restored(console: Console) -> None:
    def own(number: int, frame: object) -> None: ...

    signal.signal(signal.SIGTERM, own)
    with Interrupt(console):
        assert signal.getsignal(signal.SIGTERM) != own
    assert signal.getsignal(signal.SIGTERM) == own
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    with Interrupt(console):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == own
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@pytest.mark.parametrize("number", SIGNALS)
def test_an_ignored_signal_stays_ignored(console: Console, number: int) -> None:
    signal.signal(number, signal.SIG_IGN)  # as nohup does with SIGHUP
    with Interrupt(console) as interrupt:
        os.kill(os.getpid(), number)
    assert interrupt.signal_number is None
    assert signal.getsignal(number) == signal.SIG_IGN


def test_another_thread_changes_nothing(console: Console) -> None:
    seen: list[object] = []

    def work() -> None:
        with Interrupt(console) as interrupt:
            seen.extend([signal.getsignal(signal.SIGINT), interrupt.signal_number])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler, None]


def test_a_stream_that_is_busy_does_not_break_the_run() -> None:
    class Busy(StringIO):
        def write(self, s: str, /) -> int:
            raise RuntimeError(f"reentrant call with {s!r}")

    with Interrupt(Console(file=Busy())) as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
    assert interrupt.signal_number == signal.SIGINT


TWICE = """
import os, signal, sys
from rich.console import Console
from runner.console.signals import Interrupt

signal.signal(signal.SIGTERM, signal.SIG_DFL)
with Interrupt(Console(stderr=True, force_terminal=True)):
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("never", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals that end processes")
def test_the_second_sigterm_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    command = [sys.executable, "-c", TWICE]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == "still here\n"
    assert done.stderr == MESSAGE + "\x1b[?25h"  # the cursor that a live display hid
