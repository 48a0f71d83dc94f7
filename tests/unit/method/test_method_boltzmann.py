"""A Boltzmann machine against scikit-learn's, its samples, and a stack of two."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM

from runner.method.boltzmann import Machine, MachineStack, as_sklearn, numpy_draws, take

BELOW, ABOVE, BATCH = 5, 3, 16


def machine(chains: int = BATCH) -> Machine:
    return Machine(BELOW, ABOVE, chains, torch.Generator().manual_seed(0))


def test_a_step_is_that_of_scikit_learn_s_own_fit():
    images_BV = torch.rand(BATCH, BELOW, generator=torch.Generator().manual_seed(1)).numpy()
    theirs = BernoulliRBM(ABOVE, learning_rate=0.1, batch_size=BATCH, n_iter=3, random_state=4)
    theirs.fit(images_BV)
    ours, source = machine(), np.random.RandomState(4)
    weights_HV = source.normal(0, 0.01, (ABOVE, BELOW)).astype(np.float32)
    ours.weight_HV.copy_(torch.from_numpy(weights_HV))
    for _ in range(3):
        fitted = as_sklearn(ours, 0.1)
        fitted.random_state_ = source
        fitted.partial_fit(images_BV)
        take(ours, fitted)
    for found, expected in (
        (ours.weight_HV, theirs.components_),
        (ours.hidden_H, theirs.intercept_hidden_),
        (ours.visible_V, theirs.intercept_visible_),
        (ours.chains_SH, theirs.h_samples_),
    ):
        assert np.allclose(found.numpy(), expected, atol=1e-6)
    assert ours.chains_SH.dtype == torch.float32
    assert 0 < ours.chains_SH.mean() < 1


def test_it_begins_with_units_that_are_on_as_often_as_in_the_images():
    model = machine()
    model.begin(torch.tensor([0.0, 16.0, 8.0, 7.5, 4.0]), 16)
    often_V = torch.sigmoid(model.visible_V)
    assert torch.allclose(often_V, torch.tensor([0.5, 16.5, 8.5, 8.0, 4.5]) / 17)


def test_draws_are_of_the_seed_the_purpose_and_the_step():
    found = {
        numpy_draws(seed, purpose, step).randint(2**31)
        for seed, purpose, step in itertools.product((0, 1), ("a", "b"), (0, 1))
    }
    assert len(found) == 8
    assert numpy_draws(0, "a", 1).randint(2**31) == numpy_draws(0, "a", 1).randint(2**31)


def test_samples_have_the_distribution_of_the_machine():
    """Against the sum over all states of a small one."""
    model = machine(chains=2000)
    source = torch.Generator().manual_seed(3)
    model.weight_HV.copy_(torch.randn(ABOVE, BELOW, generator=source))
    model.hidden_H.copy_(torch.randn(ABOVE, generator=source))
    model.visible_V.copy_(torch.randn(BELOW, generator=source))
    states_SV = torch.tensor(list(itertools.product((0.0, 1.0), repeat=BELOW)))
    inputs_SH = states_SV @ model.weight_HV.T + model.hidden_H
    free_S = states_SV @ model.visible_V + torch.nn.functional.softplus(inputs_SH).sum(1)
    expected_H = free_S.softmax(0) @ torch.sigmoid(inputs_SH)
    codes_NH = model.codes(6001, source)
    assert codes_NH.shape == (6001, ABOVE)
    assert torch.allclose(codes_NH.mean(0), expected_H, atol=0.02)
    assert not torch.equal(codes_NH[:2000], codes_NH[2000:4000])


def test_fewer_samples_than_chains():
    assert machine().codes(3, torch.Generator().manual_seed(0)).shape == (3, ABOVE)


def test_a_stack_goes_up_and_down_by_mean_fields():
    stack = MachineStack((1, 1, 5), [5, 4, 3], 2, seed=0)
    first, second = stack.layers()
    images_BCHW = torch.rand(6, 1, 1, 5, generator=torch.Generator().manual_seed(0))
    hidden_BH = torch.sigmoid(images_BCHW.flatten(1) @ first.weight_HV.T)
    codes_BW = torch.sigmoid(hidden_BH @ second.weight_HV.T)
    assert torch.allclose(stack.encode(images_BCHW), codes_BW)
    back_BH = torch.sigmoid(codes_BW @ second.weight_HV)
    means_BV = torch.sigmoid(back_BH @ first.weight_HV)
    assert torch.allclose(stack.decode(codes_BW).flatten(1), means_BV)
    samples_NW = stack.sample_codes(5, torch.Generator().manual_seed(1))
    assert samples_NW.shape == (5, 3)
    assert samples_NW.std(0).min() > 0
