"""Laws that hold for any log-densities."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model import Densities
from runner.model.prior import GroupDensities
from runner.objective import decompose, log_mixture_weights
from tests.conftest import random_densities

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(deadline=None, max_examples=60)
@given(sizes=SIZES, samples=st.integers(2, 9), extra=st.integers(0, 1000),
       atoms=st.integers(1, 4), seed=st.integers(0, 10_000))  # fmt: skip
def test_terms_sum_to_the_negative_elbo(
    sizes: list[int], samples: int, extra: int, atoms: int, seed: int
):
    """For any grouping, estimator, and number of enumerated atoms, the marginals cancel."""
    densities = random_densities(sizes, samples, atoms=atoms, seed=seed)
    reconstruction = torch.tensor(80.0, dtype=torch.float64)
    weights = log_mixture_weights(samples, samples, samples + extra, like=reconstruction)
    log_ratio_AB = sum(g.log_qz_x_VAB.sum(0) - g.log_pz_VAB.sum(0) for g in densities.groups)
    negative_elbo = reconstruction + (densities.atoms_AB * log_ratio_AB).sum(0).mean()
    terms = decompose(densities, reconstruction, weights).terms
    torch.testing.assert_close(terms.stack().sum(), negative_elbo)


@settings(deadline=None, max_examples=30)
@given(sizes=SIZES, samples=st.integers(3, 8), seed=st.integers(0, 10_000))
def test_the_order_of_a_minibatch_does_not_matter(sizes: list[int], samples: int, seed: int):
    densities = random_densities(sizes, samples, seed=seed)
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    shuffled = Densities(
        tuple(
            GroupDensities(
                g.log_qz_x_VABM[..., order, :][..., order],
                g.log_qz_x_VAB[..., order],
                g.log_pz_VAB[..., order],
            )
            for g in densities.groups
        ),
        densities.atoms_AB[:, order],
    )
    zero = torch.zeros((), dtype=torch.float64)
    weights = log_mixture_weights(samples, samples, 100, like=zero)
    torch.testing.assert_close(
        decompose(shuffled, zero, weights).terms.stack(),
        decompose(densities, zero, weights).terms.stack(),
    )


@settings(deadline=None, max_examples=30)
@given(size=st.integers(2, 5), samples=st.integers(2, 8), seed=st.integers(0, 10_000))
def test_the_order_of_variables_within_a_group_does_not_matter(size: int, samples: int, seed: int):
    densities = random_densities([size, 2], samples, seed=seed)
    first, second = densities.groups
    turned = GroupDensities(
        *(t.flip(0) for t in (first.log_qz_x_VABM, first.log_qz_x_VAB, first.log_pz_VAB))
    )
    zero = torch.zeros((), dtype=torch.float64)
    weights = log_mixture_weights(samples, samples, 100, like=zero)
    torch.testing.assert_close(
        decompose(Densities((turned, second), densities.atoms_AB), zero, weights).terms.stack(),
        decompose(densities, zero, weights).terms.stack(),
    )
