"""Every setting and every type that it does not have: one line that names it, in plain words."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

import pytest

from runner.config.override import read_override
from runner.config.setting_types import all_settings, type_of
from runner.config.shown import shown
from runner.config.value_types import (
    described,
    is_number_or_schedule,
    misfits,
    require,
    without_null,
)
from runner.errors import UsageError
from tests.foreign_words import foreign_words

TEXTS = ("abc", "1.5", "3", "true", "null", "[1]", "[[1]]", "[abc]", "{a: 1}", "{a: {b: [1]}}", "")

MAPPINGS = {"{a: 1}", "{a: {b: [1]}}"}
SINGLE: dict[object, set[str]] = {
    str: {*TEXTS} - {"null"},
    int: {"3"},
    float: {"3", "1.5"},
    bool: {"true", "3"},  # a number other than 0 is true to Hydra
}
"""Type → what it takes of these."""


def wrong(key: str) -> list[str]:
    """Return values that a setting does not take by its type, as the command line writes them."""
    kind, nullable = without_null(type_of(key))
    fits = {"null"} if nullable else set[str]()
    if kind in SINGLE:
        fits |= SINGLE[kind]
    elif is_number_or_schedule(kind):
        fits |= {"3", "1.5", *MAPPINGS}  # a mapping is read as a schedule later
    elif get_origin(kind) is list:
        fits |= {"[1]", *(["[abc]"] if get_args(kind)[0] is str else [])}
    elif get_origin(kind) is dict:
        fits |= MAPPINGS
    elif not is_dataclass(kind):
        fits |= set(TEXTS)
    return [text for text in TEXTS if text not in fits]


CASES = [(key, text) for key in all_settings() for text in wrong(key)]


def test_the_table_covers_the_schema():
    assert len({key for key, _ in CASES}) > 130
    assert len(CASES) > 1000


@pytest.mark.parametrize("key", sorted({key for key, _ in CASES}))
def test_a_value_of_another_type_is_refused_in_plain_words(key: str):
    for text in wrong(key):
        if key in ("dataset", "architecture", "prior", "likelihood", "objective", "metrics"):
            continue  # such a word chooses from a group
        with pytest.raises(UsageError) as refused:
            read_override(f"{key}={text}")
        error = refused.value
        assert key in error.message, text
        assert not foreign_words(error, key), error.message
        assert len(error.message) < 250


@pytest.mark.parametrize("group", ["dataset", "prior", "likelihood", "objective", "metrics"])
@pytest.mark.parametrize("value", ["[1]", "[a,b]", "3", "true", "''", "a/b", "../x", "#", "nan"])
def test_a_choice_is_one_name(group: str, value: str):
    with pytest.raises(UsageError) as refused:
        read_override(f"{group}={value}")
    assert group in refused.value.message
    assert not foreign_words(refused.value)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "a whole number"),
        (list[float], "a list of numbers, such as [1, 2]"),
        (list[str], "a list of names, such as [a, b]"),
        (dict[str, Any], "a mapping by name, such as {NAME: VALUE}"),
        (type_of("training.clip_gradient"), "a number, or null"),
        (
            type_of("training"),
            "a mapping of record_every, checkpoint_minutes, clip_gradient, weight_decay, compile, "
            "keep_best, stop_early",
        ),
    ],
    ids=str,
)
def test_types_have_words(hint: object, words: str):
    assert described(hint) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("a b", "'a b'"),
        ([1, [None, "x"]], "[1, [null, 'x']]"),
        ({"a": {"b": 1.5}}, "{a: {b: 1.5}}"),
        (10**5000, "a number of 5,001 digits"),
        ("x" * 500, f"'{'x' * 58}…"),
        ([[[[[[[[1]]]]]]]], "[[[[[[…]]]]]]"),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else "number",
)
def test_a_value_is_quoted_as_the_command_line_writes_it(value: object, text: str):
    assert shown(value) == text


def test_a_reference_fits_every_type_until_it_is_resolved():
    for key in all_settings():
        assert list(misfits(type_of(key), key, "${other}")) == []


def test_what_fits_is_not_refused():
    require(type_of("objective.penalties.mmd.scales"), "scales", [1, 2.5])
    require(type_of("wandb.tags"), "wandb.tags", ["a", 3])
    require(type_of("steps"), "steps", "5")


def test_a_setting_that_a_section_lacks_is_met_with_the_nearest():
    with pytest.raises(UsageError, match=r"^unknown setting 'training.record_evry'") as refused:
        read_override("training={record_evry: 3}")
    assert refused.value.hint == "did you mean 'training.record_every'?"
