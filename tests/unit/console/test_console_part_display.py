"""What is seen of a part that takes long: a line that moves on a terminal, few lines in a log."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from runner import progress
from runner.console.part_display import PartDisplay


def console(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=100, force_terminal=terminal), text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_log_has_a_line_now_and_then_with_the_time_left(clock: list[float]) -> None:
    where, text = console()
    with PartDisplay(where) as display, display.part("summary"):
        for _ in progress.counted(range(1000), "terms", 1000):
            clock[0] += 0.125
    lines = text.getvalue().splitlines()
    assert lines == [
        "summary  terms  240 of 1,000  1 min 35 s left",
        "summary  terms  480 of 1,000  1 min 5 s left",
        "summary  terms  720 of 1,000  35 s left",
        "summary  terms  960 of 1,000  5 s left",
    ]


def test_a_short_part_prints_nothing_into_a_log(clock: list[float]) -> None:
    where, text = console()
    with PartDisplay(where) as display:
        for name in ("summary", "figures"):
            with display.part(name):
                list(progress.counted(range(1000), "terms", 1000))
                clock[0] += 20
    assert text.getvalue() == ""


def test_each_loop_of_a_part_has_a_time_of_its_own(clock: list[float]) -> None:
    where, text = console()
    with PartDisplay(where, plain_seconds=0) as display, display.part("summary"):
        progress.tell("encoding", 0, 10)
        clock[0] += 50
        progress.tell("encoding", 5, 10)
        progress.tell("terms", 0, 10)
        clock[0] += 2
        progress.tell("terms", 1, 10)
    lines = text.getvalue().splitlines()
    assert lines[1] == "summary  encoding  5 of 10  50 s left"
    assert lines[3] == "summary  terms  1 of 10  18 s left"


def test_a_terminal_shows_the_part_and_clears_it() -> None:
    where, text = console(terminal=True)
    with PartDisplay(where) as display, display.part("summary"):
        progress.tell("terms", 300, 1000)
        time.sleep(0.4)
    assert "summary  terms  300 of 1,000" in text.getvalue()
    assert "\x1b[2K" in text.getvalue()  # the line is erased


def test_what_is_left_out_is_said_in_a_line_without_markup() -> None:
    where, text = console()
    with PartDisplay(where) as display, display.part("figures"):
        progress.left_out("50 of 1,000 [red]variables")
    assert text.getvalue() == "    left out  50 of 1,000 [red]variables\n"


def test_a_check_stops_a_part_between_two_items() -> None:
    where, _ = console()
    done: list[int] = []

    def check() -> None:
        if len(done) == 3:
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        PartDisplay(where, check) as display,
        display.part("summary"),
    ):
        done.extend(progress.counted(range(100), "terms", 100))
    assert done == [0, 1, 2]
