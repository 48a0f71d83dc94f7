"""The last layers of a conditional encoder, against the same networks at every value of c.

Shapes: B images, C columns of the discrete variables c, A values of c, V normal variables.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from runner.model.conditional import ConditionalSpace
from runner.model.conditional_head import ConditionalHead
from runner.model.discrete import Discrete
from tests.unit.model.conditional_enumeration import NORMALS, ONE, TWO, space_of

IMAGES, FEATURES, UNITS = 6, 5, 4


def head_of(space: ConditionalSpace, activation: type[nn.Module]) -> ConditionalHead:
    values_AC = space.discrete.values_of_atoms(torch.zeros(0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ConditionalHead(FEATURES, UNITS, NORMALS, values_AC, activation).double()


def features() -> Tensor:
    source = torch.Generator().manual_seed(1)
    return torch.randn(IMAGES, FEATURES, generator=source, dtype=torch.double)


@torch.no_grad()
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
@pytest.mark.parametrize("discrete", [ONE, TWO], ids=["one", "two"])
def test_the_numbers_at_a_value_of_c_are_those_of_the_networks_on_both(
    discrete: Mapping[str, Discrete], activation: type[nn.Module]
):
    """The networks see the features beside the columns of c, as in the source."""
    space = space_of(discrete)
    head, h_BH = head_of(space, activation), features()
    found_BP, columns = head(h_BH), space.discrete.width
    assert found_BP.shape == (IMAGES, space.parameter_count)
    torch.testing.assert_close(found_BP[:, :columns], head.logits(h_BH))
    normals_BA2V = found_BP[:, columns:].reshape(IMAGES, -1, 2, NORMALS)
    assert normals_BA2V.shape[1] == len(head.values_AC) == space.discrete.atoms
    for a, value_C in enumerate(head.values_AC):
        both = torch.cat([h_BH, value_C.expand(IMAGES, -1)], dim=1)
        mean_BV = head.mean(activation()(head.hidden_of_mean(both)))
        log_scale_BV = head.log_scale(activation()(head.hidden_of_scale(both)))
        torch.testing.assert_close(normals_BA2V[:, a, 0], mean_BV)
        torch.testing.assert_close(normals_BA2V[:, a, 1], log_scale_BV)


@torch.no_grad()
@pytest.mark.parametrize("discrete", [ONE, TWO], ids=["one", "two"])
def test_the_latent_space_reads_the_means_of_a_category_where_the_head_wrote_them(
    discrete: Mapping[str, Discrete],
):
    space = space_of(discrete)
    head, h_BH = head_of(space, nn.ReLU), features()
    parameters_BP = head(h_BH)
    for value_C in head.values_AC:
        value_BC = value_C.expand(IMAGES, -1)
        hidden = torch.relu(head.hidden_of_mean(torch.cat([h_BH, value_BC], dim=1)))
        found_BW = space.mean_given(parameters_BP, value_BC)
        torch.testing.assert_close(found_BW, torch.cat([value_BC, head.mean(hidden)], dim=1))
