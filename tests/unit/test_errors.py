"""Errors: the exit code of each, their two lines, and the nearest valid name."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import DataError, DivergedError, InterruptedRun, UsageError, VaerunError, nearest

SETTINGS = ["beta", "steps", "prior", "prior.name", "prior.dimensions", "training.record_every"]


@pytest.mark.parametrize(
    ("kind", "code"), [(VaerunError, 1), (UsageError, 2), (DataError, 3), (DivergedError, 4)]
)
def test_each_way_of_going_wrong_has_its_exit_code(kind: type[VaerunError], code: int):
    error = kind("what", "how to mend it")
    assert error.exit_code == code
    assert (error.message, error.hint, str(error)) == ("what", "how to mend it", "what")
    assert isinstance(error, VaerunError)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_ends_as_the_signal_would_have_it(number: int, code: int):
    error = InterruptedRun("interrupted", None, number)
    assert error.exit_code == code
    assert error.hint is None
    assert (
        InterruptedRun.exit_code == VaerunError.exit_code
    )  # a code is one error's, not the kind's


def test_an_error_needs_no_hint():
    assert VaerunError("what").hint is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("betta", "beta"),
        ("step", "steps"),
        ("record_every", "training.record_every"),
        ("trainig.record_every", "training.record_every"),
        ("prior.nme", "prior.name"),
        ("dimensins", "prior.dimensions"),
    ],
)
def test_the_nearest_name_is_offered(word: str, meant: str):
    assert nearest(word, SETTINGS) == f"did you mean '{meant}'?"


@pytest.mark.parametrize("word", ["", "xqzjw", "0", "."])
def test_nothing_is_offered_for_a_word_like_none(word: str):
    assert nearest(word, SETTINGS) is None


def test_nothing_is_offered_where_there_is_no_choice():
    assert nearest("beta", []) is None


def test_the_choices_may_be_an_iterator():
    assert nearest("betta", iter(SETTINGS)) == "did you mean 'beta'?"


def test_of_two_settings_with_one_last_part_the_first_is_offered():
    assert nearest("qqqqqqqqqqqq.mode", ["wandb.mode", "other_room.mode"]) == (
        "did you mean 'wandb.mode'?"
    )


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6), st.data())
def test_a_choice_is_nearest_to_itself(choices: list[str], data: st.DataObject):
    word = data.draw(st.sampled_from(choices))
    assert nearest(word, choices) == f"did you mean '{word}'?"
