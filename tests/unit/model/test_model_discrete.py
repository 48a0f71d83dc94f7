"""Discrete variables against torch.distributions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Categorical, RelaxedOneHotCategorical
from torch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli

from runner.config import DiscreteKind, PriorConfig
from runner.config.prior_rules import prior_rules
from runner.config.rule import refuse
from runner.errors import UsageError
from runner.model.discrete import Bernoulli, Concrete, Discrete, build_discrete


def normals(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def drawn(variable: Discrete, parameters_BP: Tensor, temperature: float = 0.66) -> Tensor:
    noise_BW = variable.noise(len(parameters_BP), torch.Generator().manual_seed(0))
    return variable.sample(parameters_BP, noise_BW.to(parameters_BP), temperature)


def test_a_concrete_variable_is_the_categorical_one_of_its_logits():
    logits_MK = normals(8, 5)
    expected = Categorical(logits=logits_MK).log_prob(torch.arange(5)[:, None])
    torch.testing.assert_close(Concrete(5).log_q(logits_MK), expected)
    torch.testing.assert_close(Concrete(5).probabilities(logits_MK), logits_MK.softmax(1))
    torch.testing.assert_close(
        Concrete(5).log_p(logits_MK), torch.full((5,), -math.log(5)).double()
    )


def test_a_bernoulli_variable_is_the_one_of_its_logit():
    logits_M1 = normals(8, 1)
    expected = TorchBernoulli(logits=logits_M1[:, 0]).log_prob(
        torch.tensor([[0.0], [1.0]]).double()
    )
    torch.testing.assert_close(Bernoulli(0.3).log_q(logits_M1), expected)
    torch.testing.assert_close(Bernoulli(0.3).probabilities(logits_M1), logits_M1.sigmoid())
    prior = Bernoulli(0.3).log_p(logits_M1).exp()
    torch.testing.assert_close(prior, torch.tensor([0.7, 0.3], dtype=torch.float64))


@pytest.mark.parametrize("temperature", [0.3, 0.66, 2.0])
def test_the_relaxed_density_is_that_of_torch(temperature: float):
    concrete, logits_MK = Concrete(4), normals(6, 4)
    z_BK = drawn(concrete, normals(5, 4, seed=1), temperature)
    scale = torch.tensor(temperature, dtype=torch.float64)
    expected = RelaxedOneHotCategorical(scale, logits=logits_MK).log_prob(z_BK[:, None])
    torch.testing.assert_close(concrete.log_relaxed(z_BK, logits_MK, temperature), expected)
    equal = RelaxedOneHotCategorical(scale, logits=torch.zeros(4).double()).log_prob(z_BK)
    torch.testing.assert_close(concrete.log_relaxed_prior(z_BK, temperature), equal)


@pytest.mark.parametrize("temperature", [0.3, 0.66, 2.0])
def test_the_relaxed_coin_s_density_is_that_of_torch_s_logit(temperature: float):
    """Moved from the logit to its sigmoid, whose slope is z (1 - z)."""
    coin, logits_M1 = Bernoulli(0.3), normals(6, 1)
    z_B1 = drawn(coin, normals(5, 1, seed=1), temperature)
    scale, slope_B1 = torch.tensor(temperature, dtype=torch.float64), z_B1 * (1 - z_B1)

    def expected(logits: Tensor) -> Tensor:
        of_logit = LogitRelaxedBernoulli(scale, logits=logits).log_prob(z_B1.logit())
        return of_logit - slope_B1.log()

    got = coin.log_relaxed(z_B1, logits_M1, temperature)
    torch.testing.assert_close(got, expected(logits_M1[:, 0]))
    prior = expected(torch.tensor([0.3], dtype=torch.float64).logit())[:, 0]
    torch.testing.assert_close(coin.log_relaxed_prior(z_B1, temperature), prior)


@pytest.mark.parametrize("variable", [Concrete(3), Bernoulli(0.2)], ids=["concrete", "bernoulli"])
def test_a_scheduled_temperature_is_the_same_number(variable: Discrete):
    logits = normals(4, variable.width)
    for temperature in (0.5, 1.5):
        tensor = torch.tensor(temperature)
        z = drawn(variable, logits, temperature)
        torch.testing.assert_close(
            variable.log_relaxed(z, logits, tensor), variable.log_relaxed(z, logits, temperature)
        )


def test_relaxed_densities_of_vertices_are_finite():
    """At a low temperature a draw is one-hot in float32."""
    vertex = torch.tensor([[1.0, 0.0, 0.0]])
    assert Concrete(3).log_relaxed(vertex, torch.zeros(2, 3), 0.1).isfinite().all()
    ends = torch.tensor([[0.0], [1.0]])
    assert Bernoulli(0.5).log_relaxed(ends, torch.zeros(2, 1), 0.1).isfinite().all()


def test_concrete_draws_follow_the_categorical_distribution():
    concrete = Concrete(3)
    logits = torch.tensor([[0.0, 1.0, 2.0]]).repeat(20_000, 1)
    z = drawn(concrete, logits)
    torch.testing.assert_close(z.sum(1), torch.ones(20_000))
    hard = concrete.as_value(concrete.category(z), z)
    assert hard.sum(1).eq(1).all()
    torch.testing.assert_close(hard.mean(0), logits[0].softmax(0), atol=0.015, rtol=0)


def test_bernoulli_draws_follow_their_probability():
    coin, logits = Bernoulli(0.5), torch.full((20_000, 1), -1.0)
    z = drawn(coin, logits)
    assert 0 <= float(z.min()) < float(z.max()) <= 1
    hard = coin.as_value(coin.category(z), z)
    assert set(hard.unique().tolist()) == {0.0, 1.0}
    assert float(hard.mean()) == pytest.approx(1 / (1 + math.e), abs=0.015)


def test_draws_carry_a_gradient_to_the_logits():
    for variable in (Concrete(3), Bernoulli(0.5)):
        logits = normals(4, variable.width).requires_grad_()
        drawn(variable, logits)[:, 0].sum().backward()
        assert logits.grad is not None
        assert logits.grad.abs().sum() > 0


def test_gumbel_noise_is_finite_even_where_uniform_numbers_are_zero_or_one():
    noise = Concrete(10).noise(200_000, torch.Generator().manual_seed(1))
    assert noise.isfinite().all()
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.01)  # Euler's constant


def test_logistic_noise_is_finite_and_has_its_variance():
    noise = Bernoulli(0.5).noise(200_000, torch.Generator().manual_seed(1))
    assert noise.isfinite().all()
    assert float(noise.var()) == pytest.approx(math.pi**2 / 3, rel=0.02)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Concrete(7)),
        (3, Concrete(3)),
        (2, Concrete(2)),
        ("bernoulli", Bernoulli(0.5)),
        (0.1, Bernoulli(0.1)),
    ],
)
def test_what_a_value_of_the_settings_means(value: DiscreteKind, expected: Discrete):
    assert build_discrete(value, classes=7) == expected


@pytest.mark.parametrize("value", [1, 0, True, 1.0, 0.0, -0.5, "coin", [3]])
def test_a_value_that_means_no_variable_is_refused_as_the_settings_are_read(value: object):
    settings = PriorConfig("normal", 2, None, None, {"x": value}, 0.66)
    with pytest.raises(UsageError, match=r"^prior\.discrete\.x must be a number of categories"):
        refuse(prior_rules(settings))
