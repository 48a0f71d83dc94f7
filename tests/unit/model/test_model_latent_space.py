"""Groups, names, columns and densities of the latent space."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from runner.config import RunConfig
from runner.model import LatentSpace
from runner.model.build_latent_space import build_latent_space
from runner.model.correlated import CorrelatedNormal
from runner.model.discrete import Bernoulli, Concrete
from runner.model.discrete_block import DiscreteBlock
from runner.model.tree import build_tree
from runner.model.variables import Codes
from runner.objective import decompose, log_mixture_weights
from tests.conftest import prior_of

ZERO = torch.zeros((), dtype=torch.float64)


def latents(config: RunConfig) -> LatentSpace:
    return build_latent_space(
        config.prior,
        shape=(1, 8, 8),
        classes=7,
        concrete_density=config.objective.concrete_density,
        images=lambda: torch.rand(20, 1, 8, 8),
    )


def normals(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


@pytest.mark.parametrize(
    ("size", "names"),
    [
        (10, ("z",)),
        (2, ("z_0-1", "z_2-3", "z_4-5", "z_6-7", "z_8-9")),
        (1, tuple(f"z_{i}" for i in range(10))),
    ],
)
def test_one_override_regroups_the_normals(
    composed: Callable[..., RunConfig], size: int, names: tuple[str, ...]
):
    got = latents(composed("prior=normal", f"prior.group_size={size}"))
    assert got.group_names == names
    assert [len(group.variables) for group in got.tree.children] == [size] * (10 // size)
    assert got.width == 10
    assert got.parameter_count == 20


def test_concrete_normal_takes_the_dataset_s_classes_unless_told(
    composed: Callable[..., RunConfig],
):
    got = latents(composed("prior=concrete_normal"))
    assert got.group_names == ("category", "style")
    assert got.columns["category"] == slice(0, 7)
    assert got.columns["style_0"] == slice(7, 8)
    assert got.columns["style_9"] == slice(16, 17)
    told = latents(composed("prior=concrete_normal", "prior.categories=4"))
    assert told.columns["category"] == slice(0, 4)


def test_columns_numbers_and_uniforms_of_several_kinds():
    got = prior_of({"shape": Concrete(3), "on": Bernoulli(0.2)}, 2)
    assert got.columns == {
        "shape": slice(0, 3), "on": slice(3, 4), "z_0": slice(4, 5), "z_1": slice(5, 6),
    }  # fmt: skip
    assert (got.width, got.parameter_count, got.uniform_count) == (6, 8, 4)
    assert got.prior_std == {"z_0": 1, "z_1": 1}


def test_densities_are_of_each_variable(composed: Callable[..., RunConfig]):
    got = latents(composed("prior=concrete_normal", "prior.group_size=2", "prior.dimensions=4"))
    encodings = torch.randn(6, got.parameter_count)
    z = got.sample(encodings, got.noise(6, torch.Generator().manual_seed(0)))
    densities = got.densities(z, encodings, encodings)
    assert densities.enumerated_VAM.shape == (1, 7, 6)
    assert densities.sampled_VBM.shape == (4, 6, 6)
    assert [group.variables for group in densities.tree.children] == [(0,), (1, 2), (3, 4)]
    assert densities.atoms_AB.shape == (7, 6)
    torch.testing.assert_close(densities.atoms_AB.sum(0), torch.ones(6))
    torch.testing.assert_close(
        densities.sampled_VBM.diagonal(dim1=-2, dim2=-1), densities.own_sampled_VB
    )
    torch.testing.assert_close(densities.enumerated_VAM, densities.own_enumerated_VAB)


@pytest.mark.parametrize("density", ["relaxed", "argmax"])
def test_discrete_variables_that_are_drawn_stand_before_the_normals(density: str):
    got = prior_of({"shape": Concrete(3), "on": Bernoulli(0.2)}, 2, density=density)
    numbers, others = normals(5, got.parameter_count), normals(4, got.parameter_count, seed=1)
    z = got.sample(numbers, got.noise(5, torch.Generator().manual_seed(0)).double())
    densities = got.densities(z, numbers, others)
    assert densities.sampled_VBM.shape == (4, 5, 4)
    assert densities.atoms_AB.tolist() == [[1.0] * 5]
    assert len(densities.enumerated_VAM) == len(densities.own_enumerated_VAB) == 0
    loc, log_scale = others[:, 4:].chunk(2, dim=1)
    expected_BMV = Normal(loc, log_scale.exp()).log_prob(z[:, None, 4:])
    torch.testing.assert_close(densities.sampled_VBM[2:], expected_BMV.permute(2, 0, 1))
    own = got.densities(z, numbers, numbers).sampled_VBM.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(densities.own_sampled_VB, own)
    together = densities.log_pz([0, 1, 2, 3])
    each = [densities.log_pz([v]) for v in range(4)]
    torch.testing.assert_close(together, sum(each[1:], start=each[0]))


def test_without_pairs_own_densities_remain():
    got = prior_of({"shape": Concrete(3)}, 2, density="argmax")
    numbers = normals(5, got.parameter_count)
    z = got.sample(numbers, got.noise(5, torch.Generator().manual_seed(0)).double())
    whole, part = (got.densities(z, numbers, numbers, pairs=pairs) for pairs in (True, False))
    assert len(part.sampled_VBM) == 0
    assert torch.equal(part.own_sampled_VB, whole.own_sampled_VB)


@pytest.mark.parametrize("density", ["exact", "relaxed", "argmax"])
def test_the_rate_is_the_sum_over_variables_of_a_prior_that_factorises(density: str):
    got = prior_of({"shape": Concrete(3), "on": Bernoulli(0.2)}, 2, density=density)
    numbers = normals(5, got.parameter_count)
    z = got.sample(numbers, got.noise(5, torch.Generator().manual_seed(0)).double())
    rates = got.rate_per_variable(z, numbers)
    assert rates.shape == (5, 4)
    torch.testing.assert_close(got.rate(z, numbers), rates.sum(1))


def correlated(correlation: float) -> tuple[LatentSpace, Tensor]:
    matrix = torch.full((3, 3), correlation, dtype=torch.float64).fill_diagonal_(1)
    return prior_of(normals=3, groups=[2, 1], p=CorrelatedNormal(matrix)), matrix


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_a_prior_s_own_correlation_is_subtracted(correlation: float):
    """Of both correlation terms, in groups and between; their sum stays the negative ELBO."""
    got, matrix = correlated(correlation)
    numbers = normals(6, 6)
    z = got.sample(numbers, normals(6, 3, seed=1))
    log_weights_BM = log_mixture_weights(6, 6, 50, like=ZERO)
    terms = decompose(got.densities(z, numbers, numbers), ZERO, log_weights_BM).terms
    plain = decompose(
        prior_of(normals=3, groups=[2, 1]).densities(z, numbers, numbers), ZERO, log_weights_BM
    ).terms

    def log_p(*variables: int) -> Tensor:
        part, zero = list(variables), torch.zeros(len(variables), dtype=torch.float64)
        return MultivariateNormal(zero, matrix[part][:, part]).log_prob(z[:, part]).mean()

    between = log_p(0, 1, 2) - log_p(0, 1) - log_p(2)
    within = log_p(0, 1) - log_p(0) - log_p(1)
    assert got.required_prior.factorises == (correlation == 0)
    torch.testing.assert_close(
        terms.group_total_correlation, plain.group_total_correlation - between
    )
    torch.testing.assert_close(
        terms.within_group_total_correlation, plain.within_group_total_correlation - within
    )
    torch.testing.assert_close(terms.dimension_wise_kl, plain.dimension_wise_kl)
    torch.testing.assert_close(terms.index_code_mi, plain.index_code_mi)
    loc, log_scale = numbers.chunk(2, dim=1)
    log_q = Normal(loc, log_scale.exp()).log_prob(z).sum(1).mean()
    torch.testing.assert_close(terms.stack().sum(), log_q - log_p(0, 1, 2))


def test_a_posterior_that_is_the_correlated_prior_has_no_correlation_left():
    """Many encodings whose mixture is N(0, R): the term is that of the prior, so nothing is due."""
    got, matrix = correlated(0.6)
    images, scale = 1500, 0.3
    spread = torch.linalg.cholesky(matrix - scale**2 * torch.eye(3))
    loc = normals(images, 3) @ spread.T
    numbers = torch.cat([loc, torch.full_like(loc, math.log(scale))], dim=1)
    z = got.sample(numbers, normals(images, 3, seed=1))
    log_weights_BM = log_mixture_weights(images, images, images, like=ZERO)
    terms = decompose(got.densities(z, numbers, numbers), ZERO, log_weights_BM).terms
    assert float(terms.group_total_correlation) == pytest.approx(0, abs=0.1)
    assert float(terms.within_group_total_correlation) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("name", ["normal", "concrete_normal", "mixture", "laplace", "correlated"])
def test_draws_of_the_prior_score_as_its_densities_say(
    composed: Callable[..., RunConfig], name: str
):
    """A draw has the columns of z, and the mean of log p is that of other draws."""
    got = latents(
        composed(f"prior={name}", "prior.dimensions=4", "objective.concrete_density=argmax")
    )
    source = torch.Generator().manual_seed(0)
    means = []
    for _ in range(2):
        z = got.sample_prior(torch.rand(4000, got.uniform_count, generator=source))
        assert z.shape == (4000, got.width)
        means.append(float(got.log_pz(z, range(len(got.variable_names))).mean()))
    assert means[0] == pytest.approx(means[1], abs=0.15)


def test_what_the_decoder_sees_and_what_a_draw_stands_for(composed: Callable[..., RunConfig]):
    got = latents(composed("prior=log_normal", "prior.dimensions=2", "++prior.discrete={on: 0.3}",
                         "prior.group_size=null"))  # fmt: skip
    z = torch.tensor([[0.7, 0.0, math.log(2)]])
    torch.testing.assert_close(got.decoder_input(z), torch.tensor([[0.7, 1.0, 2.0]]))
    torch.testing.assert_close(got.discretise(z), torch.tensor([[1.0, 0.0, math.log(2)]]))
    torch.testing.assert_close(got.continuous_part(z), z[:, 1:])
    numbers = torch.tensor([[0.0, 3.0, 4.0, 0.0, math.log(5)]])
    torch.testing.assert_close(got.posterior_mean(numbers), torch.tensor([[0.5, 3.0, 4.0]]))
    loc, scale = got.posterior(numbers)
    torch.testing.assert_close(loc, torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(scale, torch.tensor([[1.0, 5.0]]))


def test_a_temperature_is_that_of_the_step():
    got, numbers = prior_of({"shape": Concrete(3)}), normals(4, 3)
    noise = got.noise(4, torch.Generator().manual_seed(0)).double()
    for temperature in (0.1, torch.tensor(5.0)):
        drawn = got.at_temperature(temperature).sample(numbers, noise)
        torch.testing.assert_close(drawn, ((numbers + noise) / temperature).softmax(1))


def test_a_prior_that_needs_no_encoder_is_opened_as_itself():
    got = prior_of({"shape": Concrete(3)}, 2)

    def fail(_: Tensor) -> Tensor:
        raise AssertionError

    assert got.with_encoder(fail) is got


def test_a_deterministic_code_has_no_density(composed: Callable[..., RunConfig]):
    config = composed("prior=code", "prior.dimensions=3")
    names = ("z_0", "z_1", "z_2")
    got = LatentSpace(DiscreteBlock({}, "exact", 1.0), Codes(3, "linear"), None,
                build_tree(config.prior, (), names), names)  # fmt: skip
    assert not got.has_density
    numbers = torch.randn(4, got.parameter_count)
    assert torch.equal(got.sample(numbers, got.noise(4, torch.Generator())), numbers)
    assert got.prior_std == dict.fromkeys(names, 1.0)
    for refused in (lambda: got.required_prior, lambda: got.densities(numbers, numbers, numbers)):
        with pytest.raises(TypeError, match="a deterministic code has no density"):
            refused()
