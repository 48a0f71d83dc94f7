"""Times in words, of any length."""

from __future__ import annotations

import pytest

from runner.console.durations import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (52, "52 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_a_time_has_its_two_largest_units(seconds: float, text: str):
    assert duration(seconds) == text
