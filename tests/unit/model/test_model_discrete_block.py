"""Several discrete variables together: two Concrete and a Bernoulli, against loops over values."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Categorical, kl_divergence

from runner.model.discrete import Bernoulli, Concrete
from runner.model.discrete_block import DiscreteBlock
from runner.objective import decompose, log_mixture_weights
from tests.conftest import prior_of

VARIABLES = {"shape": Concrete(3), "on": Bernoulli(0.3), "hue": Concrete(2)}
SIZES = (3, 2, 2)
ATOMS = list(product(*(range(size) for size in SIZES)))
ZERO = torch.zeros((), dtype=torch.float64)


def block(density: str = "exact") -> DiscreteBlock:
    return DiscreteBlock(VARIABLES, density, 0.66)


def logits(count: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(count, 6, generator=source, dtype=torch.float64)


def tables(logits_MW: Tensor) -> list[Tensor]:
    """Probability of every value of each variable under every encoding, (M, K) each."""
    on_M1 = logits_MW[:, 3:4].sigmoid()
    on_M2 = torch.cat([1 - on_M1, on_M1], dim=1)
    return [logits_MW[:, :3].softmax(1), on_M2, logits_MW[:, 4:].softmax(1)]


PRIORS = [torch.full((3,), 1 / 3), torch.tensor([0.7, 0.3]), torch.full((2,), 0.5)]


def draw(logits_BW: Tensor) -> Tensor:
    noise_BW = block().noise(len(logits_BW), torch.Generator().manual_seed(5))
    return block().sample(logits_BW, noise_BW.double())


def test_columns_and_atoms_are_counted():
    assert block().widths == [3, 1, 2]
    assert (block().width, block().atoms) == (6, 12)
    assert block().enumerated
    assert not block("argmax").enumerated
    empty = DiscreteBlock({}, "exact", 0.66)
    assert (empty.width, empty.atoms, empty.enumerated) == (0, 1, False)


def test_every_atom_is_one_combination_of_values():
    logits_MW = logits(5)
    got_VAM, q = block().log_q_by_atom(logits_MW).exp(), tables(logits_MW)
    for a, values in enumerate(ATOMS):
        for v, value in enumerate(values):
            torch.testing.assert_close(got_VAM[v, a], q[v][:, value])
            log_p_A1 = block().log_p(v, logits_MW)
            assert float(log_p_A1[a].exp()) == pytest.approx(float(PRIORS[v][value]))
    torch.testing.assert_close(got_VAM.prod(0).sum(0), torch.ones(5).double())


def test_the_terms_are_sums_over_all_values_by_hand():
    """Two groups and one variable alone, all discrete: no sampling noise is left at all."""
    samples, images = 5, 40
    prior = prior_of(VARIABLES, groups=[2, 1])
    logits_BW = logits(samples)
    log_weights_BM = log_mixture_weights(samples, samples, images, like=ZERO)
    densities = prior.densities(draw(logits_BW), logits_BW, logits_BW)
    got = decompose(densities, ZERO, log_weights_BM)
    q, weights_BM = tables(logits_BW), log_weights_BM.exp()
    expected = dict.fromkeys(("mi", "between", "within", "kl"), 0.0)
    for i in range(samples):
        for values in ATOMS:
            of = [q[v][:, value] for v, value in enumerate(values)]  # over encodings
            chance = float(of[0][i] * of[1][i] * of[2][i]) / samples

            def log_q(*variables: int, i=i, of=of) -> float:
                mass = weights_BM[i].clone()
                for v in variables:
                    mass = mass * of[v]
                return float(mass.sum().log())

            own = float(sum(table[i].log() for table in of))
            log_p = sum(float(PRIORS[v][value].log()) for v, value in enumerate(values))
            singles = log_q(0) + log_q(1) + log_q(2)
            expected["mi"] += chance * (own - log_q(0, 1, 2))
            expected["between"] += chance * (log_q(0, 1, 2) - log_q(0, 1) - log_q(2))
            expected["within"] += chance * (log_q(0, 1) - log_q(0) - log_q(1))
            expected["kl"] += chance * (singles - log_p)
    assert got.terms.stack().tolist() == pytest.approx([0.0, *expected.values()], abs=1e-6)


def test_rates_are_divergences_of_each_variable():
    logits_BW = logits(7)
    got_BV = block().rate_per_variable(draw(logits_BW), logits_BW)
    shape = kl_divergence(
        Categorical(logits=logits_BW[:, :3]), Categorical(logits=torch.zeros(3).double())
    )
    coin = TorchBernoulli(torch.tensor(0.3, dtype=torch.float64))
    on = kl_divergence(TorchBernoulli(logits=logits_BW[:, 3]), coin)
    hue = kl_divergence(
        Categorical(logits=logits_BW[:, 4:]), Categorical(logits=torch.zeros(2).double())
    )
    torch.testing.assert_close(got_BV, torch.stack([shape, on, hue], dim=1))


def test_argmax_scores_the_drawn_category_for_samples_and_prior_alike():
    logits_BW, logits_MW = logits(7), logits(4, seed=1)
    z_BW, argmax = draw(logits_BW), block("argmax")
    values = [z_BW[:, :3].argmax(1), (z_BW[:, 3] > 0.5).long(), z_BW[:, 4:].argmax(1)]
    pairs_VBM, own_VB = argmax.log_q_sampled(z_BW, logits_MW), argmax.log_q_own(z_BW, logits_BW)
    rates_BV = argmax.rate_per_variable(z_BW, logits_BW)
    for v, value_B in enumerate(values):
        torch.testing.assert_close(pairs_VBM[v].exp(), tables(logits_MW)[v][:, value_B].T)
        own_B = tables(logits_BW)[v].gather(1, value_B[:, None])[:, 0]
        torch.testing.assert_close(own_VB[v].exp(), own_B)
        expected_B = own_B.log() - PRIORS[v].double()[value_B].log()
        torch.testing.assert_close(rates_BV[:, v], expected_B, atol=1e-6, rtol=1e-6)


def test_a_relaxed_density_is_that_of_the_draw_itself():
    logits_BW, logits_MW = logits(7), logits(4, seed=1)
    z_BW, relaxed = draw(logits_BW), block("relaxed")
    got_VBM = relaxed.log_q_sampled(z_BW, logits_MW)
    expected = VARIABLES["hue"].log_relaxed(z_BW[:, 4:], logits_MW[:, 4:], 0.66)
    torch.testing.assert_close(got_VBM[2], expected)
    own_VB = relaxed.log_q_own(z_BW, logits_BW)
    pairs = relaxed.log_q_sampled(z_BW, logits_BW)
    torch.testing.assert_close(own_VB, pairs.diagonal(dim1=1, dim2=2))
    log_p_VB = torch.cat([relaxed.log_p(v, z_BW) for v in range(3)])
    torch.testing.assert_close(relaxed.rate_per_variable(z_BW, logits_BW), (own_VB - log_p_VB).T)


def test_prior_draws_are_categories_with_their_probabilities():
    uniform = torch.rand(20_000, 3, generator=torch.Generator().manual_seed(0))
    z_BW = block().sample_prior(uniform)
    assert set(z_BW.unique().tolist()) == {0.0, 1.0}
    expected = torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.3, 0.5, 0.5])
    torch.testing.assert_close(z_BW.mean(0), expected, atol=0.015, rtol=0)
    ends = block().sample_prior(torch.tensor([[0.0] * 3, [1.0] * 3]))
    assert ends.tolist() == [[1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1]]


def test_hardening_keeps_each_variable_s_likeliest_value():
    z_BW = torch.tensor([[0.2, 0.5, 0.3, 0.4, 0.9, 0.1], [0.6, 0.3, 0.1, 0.8, 0.2, 0.8]])
    assert block().discretise(z_BW).tolist() == [[0, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 1]]


def test_many_variables_are_judged_by_draws_and_few_by_sums():
    assert block("argmax").with_categorical().density == "exact"
    many = DiscreteBlock({str(i): Bernoulli(0.5) for i in range(7)}, "relaxed", 0.66)
    assert many.atoms == 128
    assert many.with_categorical().density == "argmax"
