"""Numbers: finite wherever they stand, no size below what makes sense, none that is absurd."""

from __future__ import annotations

from typing import get_args, get_origin

import pytest

from runner.config import CHOICES
from runner.config.composition import compose
from runner.config.override import changes
from runner.config.setting_types import all_settings, type_of
from runner.config.value_types import is_number_or_schedule, settings_of, without_null
from runner.errors import UsageError
from tests.foreign_words import foreign_words

ZERO = {
    "seed", "metrics.seed", "alpha", "beta", "gamma", "prior.gamma", "objective.levels",
    "metrics.factor_vae.least_spread", "metrics.factor_vae_groups.least_spread",
    "metrics.udr.least_rate", "objective.corruption.amount",
    "dataset.test_share", "dataset.test_seed", "validation.seed", "init.step",
    "training.stop_early.min_delta", "training.stop_early.after", "training.weight_decay",
    "dataset.overlap", "dataset.seed", "label_seed", "architecture.dropout",
    "evaluation.class_samples",
    *(f"metrics.{name}.least_range" for name in ("infom", "infoc", "infom_groups", "infoc_groups")),
}  # fmt: skip
"""What may be zero, beside the weights of an objective."""


def numeric(key: str) -> bool:
    kind, _ = without_null(type_of(key))
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    return kind in (int, float) or is_number_or_schedule(kind)


NUMBERS = [key for key in all_settings() if numeric(key)]


def choice_with(key: str) -> list[str]:
    """Return the choice of a group that has a setting."""
    group, _, name = key.partition(".")
    for choice, kind in CHOICES.get(group, {}).items():
        if name.partition(".")[0] in settings_of(kind):
            needed = (
                ["dataset.path=mine"] if group == "dataset" and "path" in settings_of(kind) else []
            )
            return [f"{group}={choice}", *needed]
    return ["metrics=reference"]


@pytest.fixture(scope="module")
def refusal():
    """What is said of a value; settings of each choice are composed once."""
    from omegaconf import OmegaConf

    from runner.config import parse

    composed = {}

    def refuse(key: str, text: str) -> UsageError | None:
        choice = tuple(choice_with(key))
        if choice not in composed:
            composed[choice] = compose(choice).settings
        try:
            whole = OmegaConf.merge(composed[choice], changes([f"{key}={text}"]))
            parse(whole)  # pyright: ignore
        except UsageError as error:
            return error
        return None

    return refuse


def written(key: str, number: str) -> str:
    return f"[{number}]" if get_origin(without_null(type_of(key))[0]) is list else number


def test_the_table_covers_the_schema():
    assert len(NUMBERS) > 90


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("key", NUMBERS)
def test_every_number_is_finite(key: str, number: str, refusal):
    error = refusal(key, written(key, number))
    assert error is not None
    assert error.message.startswith(key)
    assert not foreign_words(error, key)


@pytest.mark.parametrize("key", [key for key in NUMBERS if key not in ("alpha", "beta", "gamma")])
def test_no_size_is_negative(key: str, refusal):
    if key == "objective.weights.index_code_mi":
        return  # InfoVAE with alpha > 1 rewards information
    error = refusal(key, written(key, "-1"))
    assert error is not None
    assert key in error.message or "has no value" in error.message


@pytest.mark.parametrize("key", [k for k in NUMBERS if k not in ZERO and "objective" not in k])
def test_no_other_number_is_zero(key: str, refusal):
    error = refusal(key, written(key, "0"))
    assert error is not None
    assert key in error.message or "has no value" in error.message


@pytest.mark.parametrize("key", [k for k in NUMBERS if without_null(type_of(k))[0] is int])
def test_no_size_overflows(key: str, refusal):
    assert refusal(key, str(10**30)) is not None


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["beta=nan"], "beta must be a finite number, got nan", None),
        (["gamma={linear: {from: 0, to: inf, over: 3}}"], "gamma must be a finite number", None),
        (
            ["beta=-1"],
            "objective.weights.group_total_correlation must be zero or a positive finite number",
            "it is ${beta}, with beta=-1",
        ),
    ],
)
def test_the_weight_that_was_given_is_named(words: list[str], message: str, hint: str | None):
    with pytest.raises(UsageError) as refused:
        compose(words).parse()
    assert refused.value.message.startswith(message)
    assert refused.value.hint == hint
