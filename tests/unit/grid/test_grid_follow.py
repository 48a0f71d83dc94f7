"""Following runs: each end is reported once, and a signal stops it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from runner.grid import GridFolder, Job, Progress
from runner.grid.follow import Follower


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """The parent process of the tests may ignore signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def grid(tmp_path: Path) -> GridFolder:
    return GridFolder.register(tmp_path / "grid", None, [(f"seed={n}",) for n in range(4)])[0]


@pytest.fixture
def lines() -> StringIO:
    return StringIO()


@pytest.fixture
def watch(grid: GridFolder, lines: StringIO) -> Follower:
    progress = Progress(Console(file=lines, width=200, _environ={}), ["a", "b", "c", "d"], 3)
    return Follower(Job(grid.path, (0, 1, 3)), progress)


def then(*events: Callable[[], object]) -> Callable[[], bool]:
    """Jobs are active as long as events are left."""
    waiting = list(events)

    def working() -> bool:
        if waiting:
            waiting.pop(0)()
        return bool(waiting)

    return working


def test_each_end_is_reported_once_and_the_last_one_stops_following(
    grid: GridFolder, watch: Follower, lines: StringIO
):
    happens = then(
        lambda: grid.mark(1, "failed", "no such file"),
        lambda: (grid.mark(0, "finished", None), grid.mark(2, "finished", None)),
        lambda: grid.mark(3, "diverged", "the loss is nan"),
        lambda: pytest.fail("nothing is left to follow"),
    )
    assert watch.follow(happens) is None
    assert [line.split() for line in lines.getvalue().splitlines()] == [
        ["1", "of", "3", "failed", "1", "b", "no", "such", "file"],
        ["2", "of", "3", "done", "0", "a"],
        ["3", "of", "3", "diverged", "3", "d", "the", "loss", "is", "nan"],
    ]
    assert watch.abandoned() == []


def test_following_stops_without_workers_and_lists_unfinished_runs(
    grid: GridFolder, watch: Follower
):
    grid.mark(1, "interrupted", None)
    assert watch.follow(then(lambda: grid.mark(0, "finished", None))) is None
    assert watch.abandoned() == [1, 3]


def test_an_unreadable_status_is_read_again(grid: GridFolder, watch: Follower):
    grid.mark(0, "finished", None)
    grid.mark(3, "finished", None)
    grid.run_path(1).mkdir()
    (grid.run_path(1) / "status.json").write_text("{")
    happens = then(lambda: None, lambda: grid.mark(1, "finished", None))
    assert watch.follow(happens) is None
    assert watch.abandoned() == []


def test_a_signal_stops_following_at_once(watch: Follower):
    with watch:
        happens = then(lambda: os.kill(os.getpid(), signal.SIGTERM), lambda: pytest.fail("too far"))
        assert watch.follow(happens) == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_restored(watch: Follower):
    with watch:
        assert signal.getsignal(signal.SIGINT) != signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
