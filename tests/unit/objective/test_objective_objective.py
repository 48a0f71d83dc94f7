"""The weighted sum: what is charged in closed form, what through the estimate, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.errors import UsageError
from runner.objective import TERM_NAMES, Objective
from tests.conftest import random_densities

GROUPS = ("category", "style")


def objective(config: RunConfig) -> Objective:
    return Objective.from_config(config.objective, GROUPS, dataset_size=1000)


def test_beta_vae_needs_no_estimate_of_the_aggregate_posterior(composed: Callable[..., RunConfig]):
    beta_vae = objective(composed("objective=beta_vae", "beta=3"))
    assert not beta_vae.needs_aggregate_posterior
    loss = beta_vae.loss(torch.tensor(100.0), torch.tensor(5.0), None)
    assert float(loss) == 115


def test_the_loss_is_the_weighted_sum_of_the_terms(composed: Callable[..., RunConfig]):
    """Where the rate is the sum of the four terms, charging a share through it changes nothing."""
    hfvae = objective(composed("objective=hfvae", "alpha=2", "beta=12", "gamma=4"))
    got = hfvae.decompose(random_densities([2, 3], 8), torch.tensor(70.0, dtype=torch.float64))
    values = dict(zip(TERM_NAMES, got.terms.stack(), strict=True))
    rate = sum(values.values()) - values["reconstruction"]
    expected = (
        values["reconstruction"]
        + 2 * values["index_code_mi"]
        + 12 * values["group_total_correlation"]
        + 4 * values["within_group_total_correlation"]
        + values["dimension_wise_kl"]
    )
    torch.testing.assert_close(hfvae.loss(values["reconstruction"], rate, got), expected)


def test_a_reward_is_a_weight_on_a_group_s_information(composed: Callable[..., RunConfig]):
    plain = objective(composed("objective=beta_vae"))
    anchored = replace(plain, group_information=(-5.0, 0.0))
    assert anchored.needs_aggregate_posterior
    got = plain.decompose(random_densities([1, 2], 8), torch.tensor(0.0, dtype=torch.float64))
    arguments = (torch.tensor(70.0), torch.tensor(4.0), got)
    difference = anchored.loss(*arguments) - plain.loss(*arguments)
    torch.testing.assert_close(difference, -5 * got.group_information_G[0])


def test_unknown_group_is_refused_with_the_nearest(composed: Callable[..., RunConfig]):
    config = composed("objective=vae", "++objective.group_information={categry: -5}")
    with pytest.raises(UsageError, match="the prior's groups are category, style") as error:
        objective(config)
    assert error.value.hint == "did you mean 'category'?"


REDUCTIONS = [
    ("objective=beta_vae", "beta=1"),
    ("objective=beta_tcvae", "alpha=1", "beta=1", "gamma=1"),
    ("objective=hfvae", "alpha=1", "beta=1", "gamma=1"),
]


@pytest.mark.parametrize("overrides", REDUCTIONS)
def test_at_weight_one_every_objective_is_the_vae(
    composed: Callable[..., RunConfig], overrides: tuple[str, ...]
):
    """Bit for bit: the same loss from the same inputs."""
    vae, other = objective(composed("objective=vae")), objective(composed(*overrides))
    assert other.weights == vae.weights
    assert not other.needs_aggregate_posterior
    arguments = (torch.tensor(101.3), torch.tensor(7.7), None)
    assert torch.equal(vae.loss(*arguments), other.loss(*arguments))


def test_hfvae_with_equal_correlation_weights_is_beta_tcvae(composed: Callable[..., RunConfig]):
    hfvae = objective(composed("objective=hfvae", "beta=6", "gamma=6"))
    assert hfvae.weights == objective(composed("objective=beta_tcvae", "beta=6")).weights
