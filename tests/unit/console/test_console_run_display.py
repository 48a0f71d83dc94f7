"""What a person sees: a panel on a terminal, plain lines elsewhere, and always their own words."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from runner.console import run_display as module
from runner.console.run_display import (
    Display,
    make_console,
    print_error,
    print_settings,
    print_summary,
)
from runner.objective import TERM_NAMES

RECORD = {
    "step": 1,
    "loss": 223.4,
    "rate": 11.0,
    "terms/reconstruction": 198.12,
    "terms/index_code_mi": 9.1,
    "terms/group_total_correlation": -0.0001,
    "terms/within_group_total_correlation": 0.5,
    "terms/dimension_wise_kl": 2.3,
    "information/style": 4.4,
    "images_per_second": 41234.5,
}
FIGURES = {
    "loss": "223.400",
    "reconstruction": "198.120",
    "index-code MI": "9.100",
    "total correlation between groups": "0.000",
    "total correlation within groups": "0.500",
    "dimension-wise KL": "2.300",
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time that passes only when the test says so."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def pipe(width: int = 80) -> Console:
    return Console(file=StringIO(), width=width, highlight=False, _environ={})


def terminal(width: int = 80) -> Console:
    environ = {"TERM": "xterm-256color"}
    return Console(
        file=StringIO(), force_terminal=True, width=width, highlight=False, _environ=environ
    )


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def visible(output: str) -> str:
    """Return the output without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[?\d;]*[A-Za-z]|\r", "", output)


def test_a_pipe_gets_one_plain_line_with_every_figure(clock: Callable[[float], None]) -> None:
    console = pipe()
    with Display("mnist-hfvae", 1500, console=console) as display:
        display.advance(1)
        display.record(RECORD)
    assert "\x1b" not in text(console)
    (line,) = text(console).splitlines()
    assert line.startswith("mnist-hfvae  step     1 of 1,500  ")
    assert line.isascii()
    for name, value in FIGURES.items():
        assert re.search(rf"{name} +{value}(  |$)", line)
    assert "41,234 images/s" in line
    assert " - left" in line


def test_plain_lines_come_first_last_and_now_and_then(clock: Callable[[float], None]) -> None:
    console = pipe()
    with Display("run", 100, console=console, plain_seconds=15) as display:
        for step in range(1, 101):
            clock(1)
            display.advance(step)
            if step % 2 or step == 100:
                display.record(RECORD)
    steps = [int(n) for n in re.findall(r"step +(\d+) of 100", text(console))]
    assert steps == [1, 17, 33, 49, 65, 81, 97, 100]


def test_the_last_line_is_not_said_twice(clock: Callable[[float], None]) -> None:
    console = pipe()
    with Display("run", 10, console=console, plain_seconds=0) as display:
        for step in (5, 10):
            display.advance(step)
            display.record(RECORD)
    assert len(text(console).splitlines()) == 2


def test_the_speed_is_of_what_the_dataset_has(clock: Callable[[float], None]) -> None:
    console = pipe()
    with Display("run", 10, console=console, plain_seconds=0, examples="documents") as display:
        display.record(RECORD)
        display.advance(1)
    assert " documents/s " in text(console)
    assert "images" not in text(console)


def test_no_step_no_line() -> None:
    console = pipe()
    with Display("run", 10, console=console, done=10):
        pass
    assert text(console) == ""


def test_the_time_left_does_not_count_earlier_steps(clock: Callable[[float], None]) -> None:
    console = pipe()
    with Display("run", 1000, console=console, done=900, plain_seconds=0) as display:
        display.record(RECORD)
        clock(3600)  # the first step is slow: it compiles
        display.advance(901)
        display.record(RECORD)
        clock(20)
        display.advance(911)
        display.record(RECORD)
    *earlier, last = text(console).splitlines()
    assert [" - left" in line for line in earlier] == [True, True]
    assert " 1 h 0 min elapsed " in last
    assert "2 min 58 s left" in last  # 89 steps at 2 seconds each


def test_the_time_left_follows_the_recent_speed(clock: Callable[[float], None]) -> None:
    console = pipe()
    with Display("run", 1000, console=console, plain_seconds=0) as display:
        for step in range(1, 101):
            clock(10 if step <= 50 else 1)
            display.advance(step)
            display.record(RECORD)
    assert "15 min 0 s left" in text(console).splitlines()[-1]


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    with Display("run", 10, console=console) as display:
        display.advance(1)
        display.record(RECORD)
    assert text(console).startswith("run  step  1 of 10")
    assert "╭" not in text(console)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_gets_a_panel_with_every_figure(width: int) -> None:
    console = terminal(width)
    with Display("mnist-hfvae", 1500, console=console) as display:
        display.advance(1250)
        display.record(RECORD)
    panel = visible(text(console))[-12 * (min(width, 72) + 1) :].splitlines()
    panel = panel[next(n for n, line in enumerate(panel) if line.startswith("╭─ mnist-hfvae ")) :]
    assert {len(line) for line in panel} == {min(width, 72)}
    assert "1,250 of 1,500 │" in panel[1]
    assert "41,234 images/s" in panel[2]
    rows = {" ".join(line.strip("│ ").split()) for line in panel}
    assert {f"{name} {value}" for name, value in FIGURES.items()} <= rows
    ends = {line.rindex(value) + len(value) for line in panel for value in FIGURES.values()
            if line.rstrip("│ ").endswith(f" {value}")}  # fmt: skip
    assert ends == {min(width, 72) - 2}


def test_the_cursor_comes_back_when_the_loop_fails() -> None:
    console = terminal()
    with pytest.raises(KeyboardInterrupt), Display("run", 10, console=console):
        raise KeyboardInterrupt
    assert text(console).rindex("\x1b[?25h") > text(console).rindex("\x1b[?25l")


def test_the_panel_redraws_itself() -> None:
    console = terminal()
    with Display("run", 10, console=console) as display:
        display.advance(7)
        until = time.monotonic() + 5
        while "7 of 10" not in visible(text(console)) and time.monotonic() < until:
            time.sleep(0.05)
        assert "7 of 10" in visible(text(console))


@pytest.mark.parametrize("make", [pipe, terminal])
def test_a_step_costs_next_to_nothing(make: Callable[[], Console]) -> None:
    with Display("run", 10**6, console=make()) as display:
        start = time.perf_counter()
        for step in range(100_000):
            display.advance(step)
        assert time.perf_counter() - start < 0.5


def test_a_title_is_taken_literally() -> None:
    for console in (pipe(), terminal()):
        with Display("a[red]b[/red]", 10, console=console) as display:
            display.advance(1)
            display.record(RECORD)
        assert "a[red]b[/red]" in visible(text(console))


def test_everything_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    console = make_console()
    with Display("run", 10, console=console) as display:
        display.advance(1)
        display.record(RECORD)
    print_error(console, "wrong", None)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 2


def test_forced_colours_do_not_make_a_pipe_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not make_console().is_terminal
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert make_console().is_terminal


def test_settings_stand_in_two_columns() -> None:
    console = pipe(40)
    rows = {"objective": "hfvae", "weights": "reconstruction 1  index_code_mi 1  beta 12"}
    print_settings(console, "my [red] run", rows)
    assert text(console).splitlines() == [
        "         run  my [red] run",
        "   objective  hfvae",
        "     weights  reconstruction 1",
        "              index_code_mi 1  beta 12",
    ]


def test_a_setting_wider_than_the_terminal_breaks_between_words() -> None:
    console = pipe(30)
    rows = {"dataset": "mnist, 60,000 images to train on", "path": "a" * 20, "none": ""}
    print_settings(console, "run", rows)
    assert text(console).splitlines()[1:] == [
        "     dataset  mnist, 60,000",
        "              images to train",
        "              on",
        "        path  aaaaaaaaaaaaaaaa",
        "              aaaa",
        "        none  ",
    ]


def test_the_summary_is_printed_with_its_titles() -> None:
    console = pipe(60)
    terms = dict.fromkeys(TERM_NAMES, 0.1)
    information = {
        "variable": {"z_0": 1.5},
        "rate": {"z_0": 1.6},
        "group": {"z": 1.5},
        "factor": {"z": {"label": 0.7}},
    }
    summary = {"elbo": -0.5, "rate": 0.3, "images": 64, "encodings": 64, "terms": terms,
               "information": information, "scores": {"purity": 0.25}}  # fmt: skip
    print_summary(console, summary)
    lines = text(console).splitlines()
    assert lines[:2] == ["", "  64 images, q(z) from 64 encodings; all in nats"]
    rows = [line.split() for line in lines]
    assert rows[2] == ["quantity", "nats"]
    assert ["z", "1.500", "0.700"] in rows
    assert rows[-2:] == [["purity", "0.250"], []]


def test_an_error_is_one_line_and_a_hint_whatever_they_hold() -> None:
    console = pipe(40)
    print_error(console, "no [red]such[/red]\n file '" + "long " * 20 + "'", "did you mean '[b]x'?")
    message, hint = text(console).splitlines()
    assert message == "error: no [red]such[/red]\\n file '" + "long " * 20 + "'"
    assert hint == "  did you mean '[b]x'?"


def test_the_word_error_is_red_on_a_terminal_and_nothing_else() -> None:
    console = terminal()
    print_error(console, "beta must be 4, got :smile:", None)
    assert text(console) == "\x1b[1;31merror:\x1b[0m beta must be 4, got :smile:\n"
