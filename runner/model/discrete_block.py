"""All discrete variables of a prior together: draws, categories, and their log-densities.

Shapes: B samples, M encodings, V discrete variables, A atoms (combinations of their values), W
columns of z and as many numbers from the encoder, U numbers between 0 and 1.

How they enter q(z), ``density``, is one of

``exact``    the expectation over their values is a sum over all of them: no sampling noise, and the
             gradient is the objective's own;
``relaxed``  by the density of the relaxed draw (Maddison et al. 2017): no sum, for many variables;
``argmax``   the log-probability of the category at which the relaxed draw is largest, for samples
             and for the KL alike, as in the public code behind HFVAE. Its gradient ignores how the
             category depends on the encoder, so it is not the objective's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from runner.model.discrete import Discrete

_MOST_ATOMS_JUDGED = 64
"""Combinations that an exact sum runs over where all pairs of 10,000 encodings are compared."""


@dataclass(frozen=True)
class DiscreteBlock:
    """Discrete variables, independent given the image and under the prior; perhaps none."""

    by_name: Mapping[str, Discrete]
    density: str
    temperature: float | Tensor

    @property
    def variables(self) -> tuple[Discrete, ...]:
        """The variables without their names."""
        return tuple(self.by_name.values())

    @property
    def widths(self) -> list[int]:
        """Columns of z of each variable."""
        return [variable.width for variable in self.variables]

    @property
    def width(self) -> int:
        """W, the columns of z of all."""
        return sum(self.widths)

    @property
    def atoms(self) -> int:
        """Combinations of the values of all variables."""
        return math.prod(
            [variable.categories for variable in self.variables]
        )  # a list: it compiles

    @property
    def enumerated(self) -> bool:
        """Whether expectations are sums over all values."""
        return self.density == "exact" and bool(self.by_name)

    def with_categorical(self) -> DiscreteBlock:
        """Return the variables as categorical ones, whatever trained them: summed over, or drawn.

        Drawn ones need samples that are categories, so that a draw of q(k|x) is what is scored.
        """
        return replace(self, density="exact" if self.atoms <= _MOST_ATOMS_JUDGED else "argmax")

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the randomness of ``samples`` draws, (B, W)."""
        parts = [variable.noise(samples, generator) for variable in self.variables]
        return _side_by_side(parts, torch.empty(samples, 0, device=generator.device))

    def sample(self, logits_BW: Tensor, noise_BW: Tensor) -> Tensor:
        """Return differentiable relaxed draws, (B, W)."""
        parts = zip(self.variables, self._split(logits_BW), self._split(noise_BW), strict=True)
        draws = [v.sample(p, n, self.temperature) for v, p, n in parts]
        return _side_by_side(draws, logits_BW[:, :0])

    def sample_prior(self, uniform_BV: Tensor) -> Tensor:
        """Return draws from the prior as categories, (B, W)."""
        parts: list[Tensor] = []
        for variable, uniform_B in zip(self.variables, uniform_BV.unbind(1), strict=True):
            cumulative_K = variable.log_p(uniform_B).exp().cumsum(0)
            category_B = torch.searchsorted(cumulative_K, uniform_B.contiguous())
            in_range_B = category_B.clamp_max(variable.categories - 1)  # the sum may end below 1
            parts.append(variable.as_value(in_range_B, uniform_BV))
        return _side_by_side(parts, uniform_BV[:, :0])

    def discretise(self, z_BW: Tensor) -> Tensor:
        """Return the values that relaxed draws stand for, (B, W)."""
        parts = zip(self.variables, self._split(z_BW), strict=True)
        return _side_by_side([v.as_value(v.category(z), z) for v, z in parts], z_BW[:, :0])

    def probabilities(self, logits_BW: Tensor) -> Tensor:
        """Return the mean representation, (B, W)."""
        parts = zip(self.variables, self._split(logits_BW), strict=True)
        return _side_by_side([v.probabilities(p) for v, p in parts], logits_BW[:, :0])

    def log_q_by_atom(self, logits_MW: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of every variable at every atom, (V, A, M)."""
        parts = zip(self.variables, self._split(logits_MW), strict=True)
        rows = [v.log_q(p)[self._values(i, p)] for i, (v, p) in enumerate(parts)]
        return torch.stack(rows) if rows else logits_MW.new_zeros(0, 1, 1)

    def log_q_sampled(self, z_BW: Tensor, logits_MW: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of every variable, sample and encoding, (V, B, M)."""
        parts = zip(self.variables, self._split(z_BW), self._split(logits_MW), strict=True)
        if self.density == "relaxed":
            rows = [v.log_relaxed(z, p, self.temperature) for v, z, p in parts]
        else:
            rows = [v.log_q(p)[v.category(z)] for v, z, p in parts]
        return torch.stack(rows)

    def log_q_own(self, z_BW: Tensor, logits_BW: Tensor) -> Tensor:
        """Return log q(z_v|x_i) of drawn variables under their own encodings, (V, B)."""
        parts = zip(self.variables, self._split(z_BW), self._split(logits_BW), strict=True)
        if self.density == "relaxed":
            pairs = [v.log_relaxed(z, p, self.temperature) for v, z, p in parts]
            return torch.stack(pairs).diagonal(dim1=1, dim2=2)
        rows = [v.log_q(p).gather(0, v.category(z)[None])[0] for v, z, p in parts]
        return torch.stack(rows)

    def log_p(self, variable: int, z_BW: Tensor) -> Tensor:
        """Return log p of one variable: at every atom, (A, 1), or of its draws, (1, B)."""
        kind, own_BW = self.variables[variable], self._split(z_BW)[variable]
        if self.density == "relaxed":
            return kind.log_relaxed_prior(own_BW, self.temperature)[None]
        log_p_K = kind.log_p(z_BW)
        if self.enumerated:
            return log_p_K[self._values(variable, z_BW)][:, None]
        return log_p_K[kind.category(own_BW)][None]

    def rate_per_variable(self, z_BW: Tensor, logits_BW: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable, (B, V).

        It is the sum over the values where they are enumerated, else log q - log p at the draw.
        """
        if not self.by_name:
            return z_BW[:, :0]
        if self.enumerated:
            parts = zip(self.variables, self._split(logits_BW), strict=True)
            tables = [(v.log_q(p), v.log_p(p)[:, None]) for v, p in parts]
            return torch.stack([(q.exp() * (q - p)).sum(0) for q, p in tables], dim=1)
        log_p_VB = torch.cat([self.log_p(i, z_BW) for i in range(len(self.variables))])
        return (self.log_q_own(z_BW, logits_BW) - log_p_VB).T

    def _split(self, columns_BW: Tensor) -> tuple[Tensor, ...]:
        return columns_BW.split(self.widths, dim=1) if self.by_name else ()

    def _values(self, variable: int, like: Tensor) -> Tensor:
        """Return the value of a variable at every atom, (A,): the last variable turns fastest."""
        after = math.prod([v.categories for v in self.variables[variable + 1 :]])
        atoms_A = torch.arange(self.atoms, device=like.device)
        return atoms_A // after % self.variables[variable].categories


def _side_by_side(parts: list[Tensor], none_B0: Tensor) -> Tensor:
    return torch.cat(parts, dim=1) if parts else none_B0
