"""Ctrl-C and SIGTERM in a command that keeps what it has: exit codes, and how to go on."""

from __future__ import annotations

import signal
import threading

import pytest

from runner.console.stopping import stopping
from runner.errors import InterruptedRun


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_says_how_to_go_on(number: signal.Signals, code: int) -> None:
    with pytest.raises(InterruptedRun) as error, stopping("again"):
        signal.raise_signal(number)
    assert error.value.exit_code == code
    assert error.value.hint == "again"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with stopping("again"):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_have_no_signals() -> None:
    seen: list[str] = []

    def work() -> None:
        with stopping("again"):
            seen.append("worked")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["worked"]
