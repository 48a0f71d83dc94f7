"""Noise and order depend on (seed, purpose, step) alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.training.randomness import BatchSampler, generator, new_sampler

CPU = torch.device("cpu")


def draw(seed: int, purpose: str, index: int) -> float:
    return float(torch.rand((), generator=generator(CPU, seed, purpose, index)))


def test_equal_arguments_give_equal_numbers_and_others_do_not():
    assert draw(0, "noise", 7) == draw(0, "noise", 7)
    values = {draw(s, p, i) for s in range(5) for p in ("noise", "order") for i in range(20)}
    assert len(values) == 5 * 2 * 20


def test_an_epoch_sees_every_image_once_and_the_next_in_another_order():
    order = BatchSampler(images=40, batch_size=10, seed=0, device=CPU)
    first = torch.cat([order.batch(step) for step in range(4)])
    second = torch.cat([order.batch(step) for step in range(4, 8)])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(40))
    assert first.tolist() != second.tolist()


def test_batches_are_always_full():
    order = BatchSampler(images=45, batch_size=10, seed=0, device=CPU)
    assert order.steps_per_epoch == 4
    assert all(len(order.batch(step)) == 10 for step in range(12))


@pytest.mark.parametrize("step", [0, 5, 11])
def test_a_step_s_batch_does_not_depend_on_the_steps_before(step: int):
    straight = BatchSampler(images=40, batch_size=10, seed=3, device=CPU)
    for earlier in range(step):
        straight.batch(earlier)
    assert torch.equal(
        straight.batch(step), BatchSampler(images=40, batch_size=10, seed=3, device=CPU).batch(step)
    )


def test_two_orders_of_one_seed_differ_by_their_purpose():
    one, other = (
        BatchSampler(images=40, batch_size=10, seed=3, device=CPU, purpose=purpose)
        for purpose in ("order", "other order")
    )
    assert not torch.equal(one.batch(0), other.batch(0))
    assert torch.equal(
        one.batch(0), BatchSampler(images=40, batch_size=10, seed=3, device=CPU).batch(0)
    )


def test_the_sampler_of_a_run_follows_its_settings(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    config = composed("batch_size=8", "seed=5")
    expected = BatchSampler(images=256, batch_size=8, seed=5, device=CPU, purpose="other order")
    assert torch.equal(
        new_sampler(toy_dataset, config, CPU, "other order").batch(6), expected.batch(6)
    )
