"""What is seen of scores: a line for each, in a log as on a terminal."""

from __future__ import annotations

import io
import time

from rich.console import Console

from runner import progress
from runner.console.score_display import ScoreDisplay


def shown(
    numbers: dict[str, float] | None,
    errors: dict[str, float] | None = None,
    *,
    terminal: bool = False,
) -> str:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=terminal)
    with ScoreDisplay(console) as display:
        display.expect(2, "fast")
        with display.score("mean/mig"):
            progress.tell("encoding", 500, 1000)
            if terminal:
                time.sleep(0.3)  # until it is drawn
        if numbers is None:
            display.refuse("needs two factors")
        else:
            assert display.end(numbers, errors) >= 0
    return text.getvalue()


def test_a_line_says_the_score_and_the_time_it_took():
    lines = shown({"mig": 0.25, "mig/shape": 0.5}).splitlines()
    assert "2 scores, metrics=fast" in lines[0]
    assert lines[1].split() == ["mean/mig", "0.250", "shape", "0.500", "0.0", "s"]


def test_a_number_stands_with_its_standard_error():
    line = shown({"mig": 0.25, "mig/shape": 0.5}, {"mig": 0.0125}).splitlines()[1]
    assert line.split()[:6] == ["mean/mig", "0.250", "±", "0.013", "shape", "0.500"]


def test_a_long_score_is_cut_and_says_so():
    numbers = {f"mig/{i}": 0.1 for i in range(9)}
    assert "and 6 more" in shown(numbers)


def test_a_refusal_says_why():
    assert "mean/mig" in shown(None)
    assert "needs two factors" in shown(None)


def test_a_log_has_no_progress_in_it_and_a_terminal_has():
    assert "encoding" not in shown({"mig": 0.25})
    assert "1 of 2  mean/mig  encoding  500 of 1,000" in shown({"mig": 0.25}, terminal=True)
