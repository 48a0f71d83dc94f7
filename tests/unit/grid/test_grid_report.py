"""Output of a grid: progress, the table at its end, and times."""

from __future__ import annotations

from io import StringIO

import joblib
import pytest
from rich.console import Console

from runner.grid import Progress, RunState, print_states
from runner.grid.local import fitting
from runner.grid.progress import duration


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=100)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time_is_shown_in_its_two_largest_units(seconds: float, text: str):
    assert duration(seconds) == text


def test_each_end_is_a_line_where_there_is_no_terminal(console: Console):
    with Progress(console, ["beta=1", "beta=[4]"], 2) as progress:
        progress.refresh([0, 1])
        progress.ended(1, "finished", None)
        progress.ended(0, "diverged", "the loss is no longer a number")
    lines = printed(console).splitlines()
    assert lines[0].split() == ["1", "of", "2", "done", "1", "beta=[4]"]
    assert lines[1].endswith("diverged  0  beta=1  the loss is no longer a number")


def test_on_a_terminal_there_is_a_bar():
    console = Console(file=StringIO(), force_terminal=True, width=100)
    with Progress(console, ["beta=1", "beta=4"], 2) as progress:
        progress.refresh([0, None])
        progress.ended(0, "finished", None)
        progress.refresh([1, None])
    assert "training 1" in printed(console)
    assert "1/2" in printed(console)


def test_the_table_has_the_state_and_error_of_every_run(console: Console):
    states = {
        0: RunState("finished", seconds=75.0),
        1: RunState("failed", "no data"),
        2: RunState("interrupted", None, 30, 1_000),
    }
    print_states(console, states, ["beta=1", "beta=2", "beta=[3]"])
    lines = printed(console).splitlines()
    assert lines[2].split() == ["0", "finished", "beta=1", "1", "min", "15", "s"]
    assert lines[3].split() == ["1", "failed", "beta=2", "no", "data"]
    assert lines[4].split() == [
        "2",
        "interrupted",
        "beta=[3]",
        *["at", "step", "30", "of", "1,000"],
    ]
    assert lines[5].strip() == "1 finished, 1 failed, 1 interrupted"


def test_of_a_large_grid_only_failed_and_stopped_runs_are_listed(console: Console):
    states = {n: RunState("finished") for n in range(60)}
    states |= {n: RunState("waiting") for n in range(60, 90)} | {90: RunState("failed", "why")}
    print_states(console, states, [f"seed={n}" for n in range(91)])
    lines = [line for line in printed(console).splitlines() if line.strip()]
    assert len(lines) == 3
    assert lines[1].split() == ["90", "failed", "seed=90", "why"]
    assert lines[2].strip() == "60 finished, 30 waiting, 1 failed"


def test_a_cpu_trains_a_run_per_core_and_a_gpu_one():
    assert fitting("cpu") == joblib.cpu_count()
    assert fitting("cuda") == fitting("cuda:1") == fitting("mps") == 1
