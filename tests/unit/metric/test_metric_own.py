"""Own scores: computed, named like ours, described by what their runs say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.config import use_plugins
from runner.errors import UsageError
from runner.metric import Codes, compute, describe_score, description_of, names
from runner.metric.quantities import default_columns, quantity
from runner.plugins import piece

FILE = """
from runner.plugins import add_metric

def score(codes, *, seed, power):
    return {}

add_metric("mine", score, settings={{"power": 2}}, better="low", title="my score", factors={})
"""
CODES = Codes.of(np.arange(8.0), np.arange(8) % 2)


def computed(tmp_path: Path, returned: str, factors: int = 0) -> dict[str, float]:
    (tmp_path / "mine.py").write_text(FILE.format(returned, factors))
    use_plugins([str(tmp_path / "mine.py")])
    return compute("mine", CODES, factor=None, seed=3, settings={"power": 4})


def test_numbers_beside_the_main_one_stand_beneath_it(tmp_path: Path):
    returned = "{'mine': power, 'seed': seed, 'mine/x': len(codes)}"
    assert computed(tmp_path, returned) == {"mine": 4, "mine/seed": 3, "mine/x": 8}
    assert names()[-1] == "mine"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("3.0", "line 7: it must return numbers by name, not float"),
        ("{}", "it must return numbers by name"),
        ("{'mine': [1]}", "'mine' must be a number, not list"),
        ("codes.nothing", "line 5: AttributeError"),
    ],
)
def test_what_is_no_score_is_refused(tmp_path: Path, returned: str, message: str):
    with pytest.raises(UsageError) as caught:
        computed(tmp_path, returned)
    assert "metric 'mine'" in caught.value.message
    assert message in caught.value.message


def test_it_says_how_many_factors_it_needs(tmp_path: Path):
    with pytest.raises(UsageError, match="mine needs 2 factors that vary, and there are 1"):
        computed(tmp_path, "{'mine': 1}", factors=2)


def test_it_is_shown_as_its_file_says(tmp_path: Path):
    computed(tmp_path, "{'mine': 1}")
    own = piece("metric", "mine")
    assert own is not None
    assert description_of(own) == {"title": "my score", "better": "lower"}
    describe_score("mine_shown", "my score", "lower")
    found = quantity("scores/mean/mine_shown")
    assert (found.title, found.sign, found.family) == ("my score", -1, "mine_shown")
    assert quantity("scores/sampled/mine_shown/part").short == "my score, part (sampled)"
    assert "scores/mean/mine_shown" in default_columns()


def test_a_description_cannot_take_the_place_of_ours():
    before = quantity("scores/mean/mig")
    describe_score("mig", "something else", "lower")
    assert quantity("scores/mean/mig") == before
