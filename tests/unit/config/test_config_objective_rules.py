"""Values that no objective can use are refused in exact words."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from runner.config import RunConfig
from runner.errors import UsageError

Composed = Callable[..., RunConfig]
AT = "objective.penalties"
NUMBERS = [
    f"{AT}.capacity.weight",
    f"{AT}.capacity.nats",
    f"{AT}.moments.off_diagonal",
    f"{AT}.moments.diagonal",
    f"{AT}.mmd.weight",
    f"{AT}.inclusive_kl.weight",
    f"{AT}.discriminator.weight",
    f"{AT}.sparsity.weight",
    f"{AT}.contraction.weight",
    f"{AT}.quantisation.weight",
    f"{AT}.commitment.weight",
    f"{AT}.supervision.weight",
    f"{AT}.supervision.classification",
    "objective.corruption.amount",
]
WORDS = {
    "objective.concrete_density": ("exact", "drawn", "relaxed", "argmax"),
    "objective.encoding_weights": ("stratified", "equal"),
    "objective.concrete_draws": ("relaxed", "hard"),
    f"{AT}.moments.of": ("means", "codes"),
    f"{AT}.mmd.kernel": ("rbf", "imq"),
    f"{AT}.sparsity.kind": ("l1", "kl"),
    f"{AT}.contraction.estimate": ("exact", "hutchinson"),
    f"{AT}.supervision.loss": ("bound", "objective"),
    "objective.pairs.posterior": ("none", "gvae", "ml_vae"),
    "objective.adversarial.stability": ("spectral_norm", "gradient_penalty"),
    "objective.corruption.kind": ("masking", "gaussian", "salt_and_pepper"),
}


def refusal(composed: Composed, *words: str) -> UsageError:
    with pytest.raises(UsageError) as refused:
        composed(*words)
    assert "\n" not in refused.value.message
    return refused.value


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("word", ["-0.5", "inf", "nan", "{linear: {from: 1, to: -1, over: 9}}"])
def test_a_strength_is_zero_or_positive_all_along(composed: Composed, key: str, word: str):
    error = refusal(composed, f"{key}={word}")
    assert error.message.startswith(f"{key} must be zero or a positive finite number, got ")


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("word", ["0", "0.25", "{linear: {from: 0, to: 1, over: 9}}"])
def test_a_strength_may_be_zero_or_scheduled(composed: Composed, key: str, word: str):
    composed(f"{key}={word}")


@pytest.mark.parametrize("key", ["objective.levels.1", "objective.weights.reconstruction"])
def test_a_weight_of_a_level_or_term_is_zero_or_positive(composed: Composed, key: str):
    word = "objective.levels=[1,-1]" if "levels" in key else f"{key}=-1"
    error = refusal(composed, word)
    assert error.message == f"{key} must be zero or a positive finite number, got -1"


def test_information_may_be_rewarded_by_a_schedule(composed: Composed):
    plan = "{linear: {from: 0, to: -5, over: 9}}"
    composed(f"objective.weights.index_code_mi={plan}")
    composed(f"++objective.group_information={{first: {plan}}}")
    error = refusal(composed, "++objective.group_rate={first: -1}")
    assert error.message.startswith("objective.group_rate.first must be zero or a positive")
    error = refusal(composed, "++objective.group_information={first: inf}")
    assert error.message.startswith("objective.group_information.first must be a finite number")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (f"{AT}.mmd.scales=[]", f"{AT}.mmd.scales must be positive numbers, got []"),
        (f"{AT}.mmd.scales=[1.0,0]", f"{AT}.mmd.scales must be positive numbers, got [1.0, 0.0]"),
        (f"{AT}.sparsity.rate=0", f"{AT}.sparsity.rate must be between 0 and 1, got 0.0"),
        (f"{AT}.sparsity.rate=1", f"{AT}.sparsity.rate must be between 0 and 1, got 1.0"),
        (f"{AT}.contraction.probes=0", f"{AT}.contraction.probes must be at least 1, got 0"),
        (
            f"{AT}.discriminator.learning_rate=0",
            f"{AT}.discriminator.learning_rate must be a positive number, got 0.0",
        ),
        (
            f"{AT}.discriminator.widths=[5,0]",
            f"{AT}.discriminator.widths must be positive numbers, got [5, 0]",
        ),
        (
            "objective.encodings=200",
            "objective.encodings must be at least twice batch_size=128, or null, got 200",
        ),
    ],
)
def test_other_values_that_make_no_sense(composed: Composed, word: str, message: str):
    assert refusal(composed, word).message == message


@pytest.mark.parametrize("key", WORDS)
def test_a_word_that_is_no_choice_is_refused_with_the_nearest(composed: Composed, key: str):
    word = WORDS[key][0][::-1]
    error = refusal(composed, f"{key}={word}")
    assert error.message == f"{key} must be one of {', '.join(WORDS[key])}, got '{word}'"


@pytest.mark.parametrize(("key", "word"), [(key, word) for key in WORDS for word in WORDS[key]])
def test_every_choice_is_accepted(composed: Composed, key: str, word: str):
    composed(f"{key}={word}")


def test_every_setting_of_a_penalty_is_one_that_is_checked(composed: Composed):
    """A penalty that is added here must get a rule, or stand in this list of what needs none."""
    penalties = composed().objective.penalties
    names = {f"{AT}.{p}.{key}" for p, its in vars(penalties).items() for key in vars(its)}
    ruled = {f"{AT}.mmd.scales", f"{AT}.sparsity.rate", f"{AT}.contraction.probes",
             f"{AT}.discriminator.learning_rate", f"{AT}.discriminator.widths",
             f"{AT}.supervision.images"}  # fmt: skip
    assert names - {*NUMBERS} - {*WORDS} - ruled == {f"{AT}.mmd.dimension_wise"}
    assert all(math.isfinite(float(getattr(its, "weight", 0))) for its in vars(penalties).values())
