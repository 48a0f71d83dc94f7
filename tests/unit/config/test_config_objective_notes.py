"""Weights that have no effect are named when settings are composed."""

from __future__ import annotations

import pytest

from runner.config.composition import compose

CONCRETE = ("dataset=digits", "prior=concrete_normal", "objective=hfvae")
COINS = ("dataset=digits", "prior=normal", "prior.dimensions=2", "++prior.discrete={rare: 0.1}")
REWARD = "objective.group_information.{}=-20"


@pytest.mark.parametrize(
    ("words", "group"),
    [
        ((*CONCRETE, "objective.concrete_density=argmax", REWARD.format("category")), "category"),
        ((*COINS, "objective.concrete_density=argmax", REWARD.format("rare")), "rare"),
        (
            (*COINS, "objective.concrete_density=argmax", "prior.groups={a: [rare], b: [z_0, z_1]}",
             REWARD.format("a")),
            "a",
        ),
    ],
)  # fmt: skip
def test_a_reward_that_trains_no_encoder_is_named(words: tuple[str, ...], group: str):
    (note,) = compose(words).notes
    assert note.startswith(f"objective.group_information.{group} trains no encoder with")
    assert "\n" not in note


@pytest.mark.parametrize(
    "words",
    [
        (*CONCRETE, REWARD.format("category")),
        (*CONCRETE, "objective.concrete_density=relaxed", REWARD.format("category")),
        (
            *CONCRETE,
            "objective.concrete_density=argmax",
            REWARD.format("category").replace("-20", "0"),
        ),
        (*CONCRETE, "objective.concrete_density=drawn", REWARD.format("category")),
        (*CONCRETE, "objective.concrete_density=argmax", REWARD.format("style")),
        ("experiment=hfvae_mnist_published",),
    ],
)
def test_other_weights_need_no_word(words: tuple[str, ...]):
    assert compose(words).notes == ()
