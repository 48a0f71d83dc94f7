"""Random settings: whatever is given, it composes or is refused in words of the settings."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runner import config
from runner.config.composition import compose
from runner.config.override import read_override
from runner.config.setting_types import all_settings
from runner.errors import UsageError
from tests.foreign_words import foreign_words

KEYS = st.sampled_from([*all_settings(), *config.GROUPS])
WORDS = st.sampled_from([
    "null", "true", "nan", "inf", "-1", "0", "1e3", "1e-400", "9" * 400, "${beta}", "${x}", "${",
    "???",
    "a", "a b", "a#b", "'a", '"', "\\", "é", "[red]", "choice(1,2)", "range(1,3)", "sort(1)", "1,2",
    "*", "~", "=", ":", "-", "{}", "[]", "()", ",", "\n", "\x1b",
])  # fmt: skip
NESTED = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{i}: {item}" for i, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=5,
)
VALUES = st.one_of(NESTED, st.text(max_size=8), st.integers().map(str), st.floats().map(str))
SETTING = st.builds(lambda key, value: f"{key}={value}", KEYS, VALUES)


def refused_in_plain_words(error: UsageError, *given: str) -> None:
    assert not foreign_words(error, *given), (given, error.message, error.hint)
    assert len(error.message) < 20_000


@settings(max_examples=800, deadline=None, derandomize=True, database=None)
@given(SETTING)
@example("prior.groups=" + "[" * 3000)
@example("steps=" + "9" * 5000)
def test_any_setting_is_read_or_refused_in_plain_words(setting: str):
    try:
        read = read_override(setting)
    except UsageError as error:
        refused_in_plain_words(error, setting, setting.partition("=")[2])
    else:
        assert read_override(read.text).text == read.text  # read again, it is the same


@pytest.mark.filterwarnings("error")
@settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(SETTING, min_size=1, max_size=3))
def test_any_settings_compose_or_are_refused_in_plain_words(given: list[str]):
    try:
        compose(given).parse()
    except UsageError as error:
        refused_in_plain_words(error, *given, *(word.partition("=")[2] for word in given))
