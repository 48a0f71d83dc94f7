"""Densities of the samples of a conditional posterior, and their means, by enumeration.

Shapes: M samples of as many images, N encodings behind q(z), A joint categories of c.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.distributions import Categorical, Normal

from runner.evaluation.encodings import Encodings
from runner.model.conditional import ConditionalSpace
from tests.unit.model.conditional_enumeration import Enumerated

PRIORS = {"c": None, "category": None, "on": 0.3}
"""The probability of a one; None: all values are as probable."""


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def close(found: object, expected: object) -> None:
    """Compare numbers, tensors, or sequences of them."""
    pair = (torch.as_tensor(each, dtype=torch.double) for each in (found, expected))
    torch.testing.assert_close(*pair, rtol=1e-6, atol=1e-7)


class Expected:
    """Densities of the samples of some encodings, and means of them, by enumeration."""

    def __init__(self, space: ConditionalSpace, every: Encodings) -> None:
        self.space, self.factors_MF, self.images = space, every.factors_MF, every.dataset_size
        self.exact = Enumerated(space, every.behind)
        self.z_MW, self.own_M = every.z_MW, torch.arange(len(every))
        self.count = len(space.discrete.variables)

    @property
    def variables(self) -> tuple[int, ...]:
        return self.space.tree.variables

    def log_pairs(self, part: Sequence[int]) -> Tensor:
        """Return log q(s|x_j), (M, N, A)."""
        return self.exact.log_pairs(part, self.z_MW[:, self.space.discrete.width :])

    def log_own(self, part: Sequence[int]) -> Tensor:
        """Return log q(s|x_i), (M, A)."""
        return self.log_pairs(part)[self.own_M, self.own_M]

    def log_q(self, part: Sequence[int], alike_MN: Tensor | None = None) -> Tensor:
        """Return log q(s), (M, A), of all images or of those that are like each.

        A sample's own encoding has the weight of one image, and the others share the rest.
        """
        pairs_MNA = self.log_pairs(part)
        every_MN = torch.ones(pairs_MNA.shape[:2], dtype=torch.double)
        behind_MN = every_MN if alike_MN is None else alike_MN.double()
        count_M1 = behind_MN.sum(1, keepdim=True)
        images_M1 = count_M1 * self.images / pairs_MNA.shape[1]
        weight_MN = behind_MN * (images_M1 - 1) / images_M1 / (count_M1 - 1)
        weight_MN[self.own_M, self.own_M] = 1 / images_M1[:, 0]
        return (pairs_MNA + weight_MN.log()[..., None]).logsumexp(1)

    @cached_property
    def share_MA(self) -> Tensor:
        """Return q(c|x, z)."""
        return self.log_own(self.variables).softmax(1)

    def mean(self, log_MA: Tensor) -> Tensor:
        return (self.share_MA * log_MA).sum(1).mean()

    def information(self, part: Sequence[int]) -> Tensor:
        """Return I(x; s)."""
        return self.mean(self.log_own(part) - self.log_q(part))

    def log_p(self, v: int) -> Tensor:
        """Return log p(z_v), (M, 1), or log p(c_v), (1, A)."""
        if v >= self.count:
            column = self.space.discrete.width + v - self.count
            return Normal(0.0, 1.0).log_prob(self.z_MW[:, column : column + 1])
        table = prior(self.space, v).log_prob(torch.arange(self.exact.kinds[v].categories))
        return table[torch.tensor(self.exact.values)[:, v]][None]


def prior(space: ConditionalSpace, v: int) -> Categorical:
    """Return p(c_v)."""
    one, values = PRIORS[space.variable_names[v]], space.discrete.variables[v].categories
    equal = torch.ones(values, dtype=torch.double)
    return Categorical(equal if one is None else torch.tensor([1 - one, one]).double())
