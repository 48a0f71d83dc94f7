"""Gradients of what an objective may weigh: they reach the densities behind it."""

from __future__ import annotations

from dataclasses import replace

import torch

from runner.objective import decompose, log_mixture_weights
from tests.conftest import random_densities, tree_of


def test_the_information_of_a_group_rises_with_the_densities_of_its_own_encodings():
    """I(x; z_g) = E[log q(z_g|x) - log q(z_g)], and the first part is the mean of a sum."""
    densities = random_densities(tree_of([2, 1]), samples=4)
    own_VB = densities.own_sampled_VB.clone().requires_grad_()
    weights_BM = log_mixture_weights(4, 4, 10, like=own_VB)
    parts = decompose(replace(densities, own_sampled_VB=own_VB), own_VB.new_zeros(()), weights_BM)
    for group, rows in ((0, (0.25, 0.25, 0.0)), (1, (0.0, 0.0, 0.25))):
        found_VB = torch.autograd.grad(parts.group_information_G[group], own_VB, retain_graph=True)[
            0
        ]
        assert torch.equal(found_VB, own_VB.new_tensor(rows)[:, None].expand(3, 4))
