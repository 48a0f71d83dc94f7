"""Signals in a worker: none is lost, and those of a scheduler are ignored."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.console.signals import Interrupt
from runner.errors import InterruptedRun
from runner.grid import GridFolder, work, worker


@pytest.fixture(autouse=True)
def usual_handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(Interrupt, "last", None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("executor", [None, "slurm"])
def test_in_a_job_a_repeated_signal_has_no_effect(
    monkeypatch: pytest.MonkeyPatch, executor: str | None
):
    monkeypatch.delenv("SUBMITIT_EXECUTOR", raising=False)
    if executor:
        monkeypatch.setenv("SUBMITIT_EXECUTOR", executor)
    stopped_at_once = False
    with Interrupt(Console(file=StringIO())) as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            stopped_at_once = True
    assert stopped_at_once == (executor is None)
    assert interrupt.signal_number == signal.SIGTERM


def test_a_signal_after_the_end_of_a_run_stops_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    grid, indices = GridFolder.register(tmp_path / "grid", None, [("seed=0",), ("seed=1",)])
    events = list[Mapping[str, Any]]()

    def finish(_grid: GridFolder, number: int, *_: object) -> None:
        with Interrupt(Console(file=StringIO())):
            os.kill(os.getpid(), signal.SIGINT)  # after the last check for signals
        grid.mark(number, "finished", None)

    monkeypatch.setattr(worker, "_execute", finish)
    with pytest.raises(InterruptedRun) as caught:
        work(grid.path, tuple(indices), (), lambda event: events.append(event) is None)
    assert caught.value.exit_code == 128 + signal.SIGINT
    assert events == [{"begin": 0}, {"end": 0, "state": "finished", "error": None}]
    assert grid.state(1).state == "waiting"
