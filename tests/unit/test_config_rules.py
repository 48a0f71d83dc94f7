"""Values that no run can use are refused in exact words; values that one can use are not."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from runner.config import RunConfig
from runner.config.rules import validate
from runner.errors import UsageError

CONCRETE = "prior=concrete_normal"
GAUSSIAN = "likelihood=gaussian"

# key, smallest allowed
WHOLE = [
    ("steps", 1),
    ("batch_size", 2),
    ("prior.dimensions", 1),
    ("training.record_every", 1),
    ("evaluation.encodings", 2),
    ("evaluation.map_points", 10),
    ("evaluation.traversal_steps", 2),
]
# key, the choice that has it
POSITIVE = [
    ("learning_rate", None),
    ("epochs", None),
    ("training.clip_gradient", None),
    ("training.checkpoint_minutes", None),
    ("evaluation.traversal_range", None),
    ("likelihood.scale", GAUSSIAN),
    ("prior.temperature", CONCRETE),
]
PENALTIES = [
    "reconstruction",
    "group_total_correlation",
    "within_group_total_correlation",
    "dimension_wise_kl",
]

Composed = Callable[..., RunConfig]


def refusal(composed: Composed, *words: str) -> UsageError:
    with pytest.raises(UsageError) as refused:
        composed(*words)
    assert "\n" not in refused.value.message
    return refused.value


def value_of(config: RunConfig, key: str) -> object:
    node: object = config
    for part in key.split("."):
        node = getattr(node, part)
    return node


@pytest.mark.parametrize(("key", "least"), WHOLE)
@pytest.mark.parametrize("below", [1, 1000])
def test_a_count_below_its_least_is_refused(composed: Composed, key: str, least: int, below: int):
    error = refusal(composed, f"{key}={least - below}", "prior.group_size=null")
    assert error.message == f"{key} must be at least {least}, got {least - below}"


@pytest.mark.parametrize(("key", "least"), WHOLE)
def test_the_least_count_is_accepted(composed: Composed, key: str, least: int):
    config = composed(f"{key}={least}", "prior.group_size=null")
    assert value_of(config, key) == least


@pytest.mark.parametrize(("key", "choice"), POSITIVE)
@pytest.mark.parametrize(
    ("word", "shown"), [("0", "0.0"), ("-0.5", "-0.5"), ("inf", "inf"), ("nan", "nan")]
)
def test_a_number_that_is_not_positive_is_refused(
    composed: Composed, key: str, choice: str | None, word: str, shown: str
):
    error = refusal(composed, *filter(None, [choice]), f"{key}={word}")
    assert error.message == f"{key} must be a positive number, got {shown}"


@pytest.mark.parametrize(("key", "choice"), POSITIVE)
@pytest.mark.parametrize("number", [1e-9, 1.0, 1e9])
def test_a_positive_number_is_accepted(
    composed: Composed, key: str, choice: str | None, number: float
):
    config = composed(*filter(None, [choice]), f"{key}={number}")
    assert value_of(config, key) == number


@pytest.mark.parametrize("key", ["epochs", "training.clip_gradient"])
def test_what_can_be_left_out_is_null(composed: Composed, key: str):
    assert value_of(composed(f"{key}=null"), key) is None


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(composed: Composed, seed: int):
    error = refusal(composed, f"seed={seed}")
    assert error.message == f"seed must be between 0 and 2**32 - 1, got {seed}"


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_a_seed_at_the_end_of_the_range_is_accepted(composed: Composed, seed: int):
    assert composed(f"seed={seed}").seed == seed


@pytest.mark.parametrize("size", [0, -2, 4, 20])
@pytest.mark.parametrize("prior", ["normal", "concrete_normal"])
def test_groups_that_do_not_fit_the_dimensions_are_refused(
    composed: Composed, prior: str, size: int
):
    error = refusal(composed, f"prior={prior}", f"prior.group_size={size}")
    assert error.message == (
        f"prior.group_size must be a divisor of prior.dimensions=10, or null, got {size}"
    )


@pytest.mark.parametrize("size", [1, 2, 5, 10, None])
def test_groups_that_fit_are_accepted(composed: Composed, size: int | None):
    word = "null" if size is None else size
    assert composed(f"prior.group_size={word}").prior.group_size == size


@pytest.mark.parametrize("categories", [1, 0, -3])
def test_fewer_than_two_categories_are_refused(composed: Composed, categories: int):
    error = refusal(composed, CONCRETE, f"prior.categories={categories}")
    assert error.message == f"prior.categories must be at least 2, or null, got {categories}"


@pytest.mark.parametrize("categories", [2, 50, None])
def test_two_categories_or_those_of_the_dataset_are_accepted(
    composed: Composed, categories: int | None
):
    config = composed(CONCRETE, f"prior.categories={'null' if categories is None else categories}")
    assert value_of(config, "prior.categories") == categories


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("word", ["-0.5", "inf", "nan"])
def test_a_weight_that_is_negative_or_not_finite_is_refused(
    composed: Composed, name: str, word: str
):
    error = refusal(composed, f"objective.weights.{name}={word}")
    assert error.message == (
        f"objective.weights.{name} must be zero or a positive finite number, got {word}"
    )


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("weight", [0.0, 0.5, 1e6])
def test_a_weight_of_zero_or_more_is_accepted(composed: Composed, name: str, weight: float):
    config = composed(f"objective.weights.{name}={weight}")
    assert getattr(config.objective.weights, name) == weight


def test_a_knob_is_refused_as_the_weight_that_it_sets(composed: Composed):
    error = refusal(composed, "objective=hfvae", "beta=-1")
    assert error.message == (
        "objective.weights.group_total_correlation must be zero or a positive finite number, "
        "got -1.0"
    )


@pytest.mark.parametrize("word", ["inf", "-inf", "nan"])
def test_the_weight_of_the_index_code_mi_must_be_finite(composed: Composed, word: str):
    error = refusal(composed, f"objective.weights.index_code_mi={word}")
    assert error.message == f"objective.weights.index_code_mi must be a finite number, got {word}"


@pytest.mark.parametrize("weight", [-3.0, 0.0, 2.0])
def test_information_may_be_rewarded(composed: Composed, weight: float):
    config = composed(
        f"objective.weights.index_code_mi={weight}",
        f"++objective.group_information.style={weight}",
    )
    assert config.objective.weights.index_code_mi == weight
    assert config.objective.group_information == {"style": weight}


@pytest.mark.parametrize("word", ["inf", "-inf", "nan"])
def test_the_weight_of_a_group_s_information_must_be_finite(composed: Composed, word: str):
    error = refusal(composed, f"++objective.group_information.style={word}")
    assert error.message == (
        f"objective.group_information.style must be a finite number, got {word}"
    )


@pytest.mark.parametrize(
    ("key", "choices", "word", "hint"),
    [
        ("precision", "float32, bf16", "bf61", "did you mean 'bf16'?"),
        ("precision", "float32, bf16", "int8", None),
        ("wandb.mode", "auto, online, offline, disabled", "ofline", "did you mean 'offline'?"),
        ("wandb.mode", "auto, online, offline, disabled", "xqzjw", None),
        ("objective.concrete_density", "exact, argmax", "exakt", "did you mean 'exact'?"),
    ],
)
def test_a_word_that_is_no_choice_is_refused(
    composed: Composed, key: str, choices: str, word: str, hint: str | None
):
    error = refusal(composed, f"{key}={word}")
    assert error.message == f"{key} must be one of {choices}, got '{word}'"
    assert error.hint == hint


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("precision", ["float32", "bf16"]),
        ("wandb.mode", ["auto", "online", "offline", "disabled"]),
        ("objective.concrete_density", ["exact", "argmax"]),
        ("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:15"]),
        ("name", ["a", "two words", "beta=4 (again)", "ümlaut"]),
    ],
)
def test_every_choice_is_accepted(composed: Composed, key: str, words: list[str]):
    for word in words:
        assert value_of(composed(f"{key}='{word}'"), key) == word


@pytest.mark.parametrize("word", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "CPU", " cpu"])
def test_a_word_that_is_no_device_is_refused(composed: Composed, word: str):
    error = refusal(composed, f"device='{word}'")
    assert error.message == f"device must be one of auto, cuda, mps, cpu, got '{word}'"
    assert error.hint == "cuda is an NVIDIA GPU, cuda:1 the second of them, mps an Apple one"


@pytest.mark.parametrize("word", ["a/b", "/", "", "  "])
def test_a_name_that_cannot_end_a_folder_s_is_refused(composed: Composed, word: str):
    error = refusal(composed, f"name='{word}'")
    assert error.message == (
        f"name must be a plain word, since it ends the run folder's name, got '{word}'"
    )


def test_of_several_wrong_values_one_is_named(composed: Composed):
    config = composed()
    config.steps, config.learning_rate, config.precision = 0, math.nan, "none"
    with pytest.raises(UsageError) as refused:
        validate(config)
    assert refused.value.message == "steps must be at least 1, got 0"
