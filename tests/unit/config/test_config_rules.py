"""Values that no run can use are refused in exact words; values that one can use are not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from copy import deepcopy

import pytest

from runner.config import RunConfig
from runner.config.rules import validate
from runner.errors import UsageError

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
POSITIVE = [
    "learning_rate",
    "epochs",
    "training.clip_gradient",
    "training.checkpoint_minutes",
    "evaluation.traversal_range",
    "likelihood.scale",
    "prior.temperature",
]
PENALTIES = [
    "reconstruction",
    "group_total_correlation",
    "within_group_total_correlation",
    "dimension_wise_kl",
]

IMAGES = "objective.penalties.supervision.images"
INFORMATION = ["objective.weights.index_code_mi", "objective.group_information.style"]
WORDS = {
    "precision": ("float32", "bf16"),
    "wandb.mode": ("auto", "online", "offline", "disabled"),
    "objective.concrete_density": ("exact", "drawn", "relaxed", "argmax"),
    "objective.encoding_weights": ("stratified", "equal"),
    "objective.concrete_draws": ("relaxed", "hard"),
}

Composed = Callable[..., RunConfig]


@pytest.fixture(scope="module")
def base(composed: Composed) -> RunConfig:
    """Settings that have every key with a rule."""
    return composed("prior=concrete_normal", "likelihood=gaussian")


@pytest.fixture
def changed(base: RunConfig) -> Composed:
    """Settings with some values changed: ``changed({"prior.dimensions": 4})``."""

    def build(values: dict[str, object]) -> RunConfig:
        config = deepcopy(base)
        for key, value in values.items():
            parent, _, name = key.rpartition(".")
            node = value_of(config, parent) if parent else config
            if isinstance(node, dict):
                node[name] = value
            else:
                assert hasattr(node, name)
                setattr(node, name, value)
        return config

    return build


def refusal(config: RunConfig) -> UsageError:
    with pytest.raises(UsageError) as refused:
        validate(config)
    assert "\n" not in refused.value.message
    return refused.value


def value_of(config: RunConfig, key: str) -> object:
    node: object = config
    for part in key.split("."):
        node = getattr(node, part)
    return node


@pytest.mark.parametrize(("key", "least"), WHOLE)
@pytest.mark.parametrize("below", [1, 1000])
def test_a_count_below_its_least_is_refused(changed: Composed, key: str, least: int, below: int):
    error = refusal(changed({key: least - below}))
    assert error.message == f"{key} must be at least {least}, got {least - below}"


@pytest.mark.parametrize(("key", "least"), WHOLE)
def test_the_least_count_is_accepted(changed: Composed, key: str, least: int):
    validate(changed({key: least}))


@pytest.mark.parametrize("key", POSITIVE)
@pytest.mark.parametrize("number", [0.0, -0.5, math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_positive_is_refused(changed: Composed, key: str, number: float):
    error = refusal(changed({key: number}))
    assert error.message == f"{key} must be a positive number, got {number}"


@pytest.mark.parametrize("key", POSITIVE)
@pytest.mark.parametrize("number", [1e-9, 1.0, 1e9])
def test_a_positive_number_is_accepted(changed: Composed, key: str, number: float):
    validate(changed({key: number}))


@pytest.mark.parametrize(
    "key", ["epochs", "training.clip_gradient", "prior.group_size", "prior.categories"]
)
def test_what_can_be_left_out_may_be_null(changed: Composed, key: str):
    validate(changed({key: None}))


@pytest.mark.parametrize("network", ["mlp", "conv64", "conv"])
def test_a_conditional_head_is_one_of_two(composed: Composed, network: str):
    head = "architecture.conditional_head={}"
    validate(composed(f"architecture={network}", head.format("separate")))
    with pytest.raises(
        UsageError, match="must be one of shared, separate, got 'separat'"
    ) as refused:
        validate(composed(f"architecture={network}", head.format("separat")))
    assert refused.value.hint == "did you mean 'separate'?"


def test_a_network_that_normalises_its_scales_has_no_conditional_posterior(composed: Composed):
    words = ("prior=concrete_normal", "architecture.conditional={}")
    given, plain = (tuple(word.format(value) for word in words) for value in ("true", "false"))
    message = (
        "architecture.conditional must be false with architecture=prodlda "
        "(mlp, conv64, conv32, conv28, conv, broadcast, nvdm take true), got true"
    )
    with pytest.raises(UsageError) as refused:
        composed("architecture=prodlda", *given)
    assert refused.value.message == message
    validate(composed("architecture=prodlda", *plain))
    for name in ("mlp", "conv64", "broadcast", "nvdm"):
        validate(composed(f"architecture={name}", *given))


@pytest.mark.parametrize("name", ["pca", "dbn", "stacked_ae", "gan", "info_gan"])
def test_methods_that_learn_from_no_labels_are_given_none(composed: Composed, name: str):
    rule = f"labels must be null: objective={name} learns from no labels, got 50"
    with pytest.raises(UsageError, match=rule):
        validate(composed("dataset=digits", f"objective={name}", "labels=50"))
    validate(composed("dataset=digits", "prior=concrete_normal", "labels=50"))
    with pytest.raises(UsageError, match=rule.replace("50", "all")):
        validate(composed("dataset=digits", f"objective={name}", "labels=all"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("every", "labels must be a whole number, all or null, got 'every'"),
        ("2.5", "labels must be a whole number, all or null, got 2.5"),
        ("true", "labels must be a whole number, all or null, got true"),
        ("1", "labels must be at least 2, all or null, got 1"),
    ],
)
def test_labels_are_a_number_or_all(composed: Composed, value: str, message: str):
    given = "dataset=digits", "prior=concrete_normal"
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        validate(composed(*given, f"labels={value}"))
    for words in (("labels=all",), ("labels=null",), ("labels=all", f"{IMAGES}=90")):
        validate(composed(*given, *words))
    with pytest.raises(UsageError, match="must be between 1 and labels=50, or null, got 90"):
        validate(composed(*given, "labels=50", f"{IMAGES}=90"))
    with pytest.raises(UsageError, match="must be at least 1, or null, got 0"):
        validate(composed(*given, "labels=all", f"{IMAGES}=0"))


def test_choices_without_a_key_need_not_keep_its_rule(composed: Composed):
    config = composed("prior=normal", "likelihood=bernoulli")
    assert not hasattr(config.prior, "categories")
    assert not hasattr(config.likelihood, "scale")


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(changed: Composed, seed: int):
    error = refusal(changed({"seed": seed}))
    assert error.message == f"seed must be between 0 and 2**32 - 1, got {seed}"


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_a_seed_at_the_end_of_the_range_is_accepted(changed: Composed, seed: int):
    validate(changed({"seed": seed}))


@pytest.mark.parametrize(("dimensions", "size"), [(10, 0), (10, -2), (10, 4), (10, 20), (7, 2)])
def test_groups_that_do_not_fit_the_dimensions_are_refused(
    changed: Composed, dimensions: int, size: int
):
    error = refusal(changed({"prior.dimensions": dimensions, "prior.group_size": size}))
    assert error.message == (
        f"prior.group_size must be a divisor of prior.dimensions={dimensions}, or null, got {size}"
    )


@pytest.mark.parametrize(("dimensions", "size"), [(10, 1), (10, 2), (10, 5), (10, 10), (7, 7)])
def test_groups_that_fit_are_accepted(changed: Composed, dimensions: int, size: int):
    validate(changed({"prior.dimensions": dimensions, "prior.group_size": size}))


@pytest.mark.parametrize("categories", [1, 0, -3])
def test_fewer_than_two_categories_are_refused(changed: Composed, categories: int):
    error = refusal(changed({"prior.categories": categories}))
    assert error.message == f"prior.categories must be at least 2, or null, got {categories}"


def test_two_categories_are_accepted(changed: Composed):
    validate(changed({"prior.categories": 2}))


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("weight", [-0.5, math.inf, -math.inf, math.nan])
def test_a_weight_that_is_negative_or_not_finite_is_refused(
    changed: Composed, name: str, weight: float
):
    key = f"objective.weights.{name}"
    error = refusal(changed({key: weight}))
    assert error.message == f"{key} must be zero or a positive finite number, got {weight}"


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("weight", [0.0, 0.5, 1e6])
def test_a_weight_of_zero_or_more_is_accepted(changed: Composed, name: str, weight: float):
    validate(changed({f"objective.weights.{name}": weight}))


def test_a_knob_is_refused_as_the_weight_that_it_sets(composed: Composed):
    with pytest.raises(UsageError) as refused:
        composed("objective=hfvae", "beta=-1")
    assert refused.value.message == (
        "objective.weights.group_total_correlation must be zero or a positive finite number, got -1"
    )


@pytest.mark.parametrize("key", INFORMATION)
@pytest.mark.parametrize("weight", [math.inf, -math.inf, math.nan])
def test_a_weight_of_information_must_be_finite(changed: Composed, key: str, weight: float):
    error = refusal(changed({key: weight}))
    assert error.message == f"{key} must be a finite number, got {weight}"


@pytest.mark.parametrize("key", INFORMATION)
@pytest.mark.parametrize("weight", [-3.0, 0.0, 2.0])
def test_information_may_be_rewarded(changed: Composed, key: str, weight: float):
    validate(changed({key: weight}))


@pytest.mark.parametrize(
    ("key", "word", "hint"),
    [
        ("precision", "bf61", "did you mean 'bf16'?"),
        ("precision", "int8", None),
        ("wandb.mode", "ofline", "did you mean 'offline'?"),
        ("wandb.mode", "xqzjw", None),
        ("objective.concrete_density", "exakt", "did you mean 'exact'?"),
        ("objective.concrete_density", "", None),
    ],
)
def test_a_word_that_is_no_choice_is_refused(
    changed: Composed, key: str, word: str, hint: str | None
):
    error = refusal(changed({key: word}))
    assert error.message == f"{key} must be one of {', '.join(WORDS[key])}, got '{word}'"
    assert error.hint == hint


@pytest.mark.parametrize(("key", "word"), [(key, word) for key in WORDS for word in WORDS[key]])
def test_every_choice_is_accepted(changed: Composed, key: str, word: str):
    validate(changed({key: word}))


@pytest.mark.parametrize("word", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:15"])
def test_every_device_is_accepted(changed: Composed, word: str):
    validate(changed({"device": word}))


@pytest.mark.parametrize(
    "word", ["gpu", "cdua", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:0\n", "cpu:0", ""]
)
def test_a_word_that_is_no_device_is_refused(changed: Composed, word: str):
    with pytest.raises(UsageError) as refused:
        validate(changed({"device": word}))
    assert refused.value.message == f"device must be one of auto, cuda, mps, cpu, got '{word}'"
    assert refused.value.hint is not None
    assert "cuda is an NVIDIA GPU" in refused.value.hint


@pytest.mark.parametrize("word", ["a/b", "/", "", "  "])
def test_a_name_that_cannot_end_a_folder_s_is_refused(changed: Composed, word: str):
    error = refusal(changed({"name": word}))
    assert error.message == (
        f"name must be a plain word, since it ends the run folder's name, got '{word}'"
    )


@pytest.mark.parametrize("word", ["a", "two words", "beta=4 (again)", "ümlaut"])
def test_other_names_are_accepted(changed: Composed, word: str):
    validate(changed({"name": word}))


def test_of_several_wrong_values_one_is_named(changed: Composed):
    error = refusal(changed({"precision": "none", "learning_rate": math.nan, "steps": 0}))
    assert error.message == "steps must be at least 1, got 0"


def test_values_from_the_command_line_are_checked(composed: Composed):
    with pytest.raises(UsageError, match=r"^evaluation\.map_points must be at least 10, got 9$"):
        composed("evaluation.map_points=9")
