"""The covariance of a conditional posterior's normal variables, which all follow c.

Shapes: N images, A atoms, V normal variables, P parameters of q(c, z|x).
"""

from __future__ import annotations

import pytest
import torch

from runner.model.discrete import Discrete
from runner.model.latent_space import LatentSpace
from runner.objective.penalties import moment_matching
from tests.unit.model.conditional_enumeration import NORMALS, ONE, TWO, Enumerated, space_of


@pytest.mark.parametrize("discrete", [ONE, TWO], ids=["one", "two"])
def test_the_covariance_given_an_image_is_that_of_a_mixture(discrete: dict[str, Discrete]):
    space, source = space_of(discrete), torch.Generator().manual_seed(3)
    parameters_NP = torch.randn(6, space.parameter_count, generator=source).double()
    exact = Enumerated(space, parameters_NP)
    expected = torch.zeros(NORMALS, NORMALS, dtype=torch.double)
    for i in range(6):
        share_A, loc_AV, scale_AV = exact.log_atom_NA[i].exp(), exact.loc_NAV[i], exact.scale_NAV[i]
        second_VV = sum(
            share * (torch.outer(loc_V, loc_V) + scale_V.square().diag())
            for share, loc_V, scale_V in zip(share_A, loc_AV, scale_AV, strict=True)
        )
        mean_V = share_A @ loc_AV
        expected += (second_VV - torch.outer(mean_V, mean_V)) / 6
    torch.testing.assert_close(space.covariance_given_image(parameters_NP), expected)
    spread_NV = space.posterior(parameters_NP)[1]
    torch.testing.assert_close(expected.diagonal(), spread_NV.square().mean(0))


def test_codes_that_follow_the_class_are_as_far_from_white_as_their_samples():
    """Four categories whose means are all three variables' at once: the samples are correlated."""
    space, source = space_of(ONE), torch.Generator().manual_seed(0)
    parameters_NP = torch.zeros(20_000, space.parameter_count, dtype=torch.double)
    normals_NAV = parameters_NP[:, space.discrete.width :].view(-1, 4, 2 * NORMALS)
    for atom, mean in enumerate((-1.5, -0.5, 0.5, 1.5)):
        normals_NAV[:, atom, :NORMALS] = mean
    normals_NAV[:, :, NORMALS:] = -2.0
    z_NW = space.sample(parameters_NP, space.noise(len(parameters_NP), source).double())
    of_samples_VV = torch.cov(space.continuous_part(z_NW).T)
    loc_NV = space.posterior(parameters_NP)[0]
    found = moment_matching(loc_NV, space.covariance_given_image(parameters_NP), 1.0, 1.0)
    white_VV = torch.eye(NORMALS, dtype=torch.double)
    expected = (of_samples_VV - white_VV).square().sum()
    assert float(found) == pytest.approx(float(expected), rel=0.03)
    assert float(found) > 8


def test_independent_normals_have_a_diagonal():
    of = space_of(ONE)
    plain = LatentSpace(of.discrete, of.continuous, of.prior, of.tree, of.variable_names)
    parameters_NP = torch.randn(5, plain.parameter_count, dtype=torch.double)
    found_VV = plain.covariance_given_image(parameters_NP)
    scale_NV = parameters_NP[:, -NORMALS:].exp()
    torch.testing.assert_close(found_VV, scale_NV.square().mean(0).diag())
