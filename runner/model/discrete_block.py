"""The discrete variables of a latent space: samples, categories, and log-densities.

Shapes: B samples, M encodings, V discrete variables, A atoms (joint categories: combinations of
their values), W columns of z and as many parameters from the encoder.

``density`` chooses how they enter q(z):

``exact``    by the expectation over all joint categories: no sampling noise, and an unbiased
             gradient;
``relaxed``  by the density of the relaxed sample (Maddison et al. 2017), without a sum, for many
             variables;
``argmax``   by the log-probability of the category at which the relaxed sample is largest, in the
             KL terms as well, as in the public code of HFVAE. Its gradient ignores that the
             category depends on the encoder, so it is not the gradient of the objective;
``drawn``    at that category as well, with sums over the values of each variable by itself in
             place of its draw (``objective.category_draws``), and the KL in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from runner.model.densities import CategoryDraws
from runner.model.discrete import Discrete

_MOST_ATOMS_EVALUATED = 64
"""Largest number of joint categories for exact sums in the evaluation, which has pairs of 10,000
encodings."""


@dataclass(frozen=True)
class DiscreteBlock:
    """Discrete variables, independent given the image and under the prior; there may be none."""

    by_name: Mapping[str, Discrete]
    density: str
    temperature: float | Tensor
    hard: bool = False
    """Whether the decoder is given categories, with the gradient of the relaxed samples."""
    class_variable: str | None = None
    """The variable whose categories are the dataset's classes, where it is trained with labels."""

    @property
    def variables(self) -> tuple[Discrete, ...]:
        """The variables, in order."""
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
    def categories(self) -> tuple[int, ...]:
        """The number of values of each variable."""
        # By way of a list, since torch.compile does not support a generator here.
        return tuple([variable.categories for variable in self.variables])

    @property
    def atoms(self) -> int:
        """A, the number of joint categories of all variables."""
        return math.prod(self.categories)

    @property
    def enumerated(self) -> bool:
        """Whether expectations are sums over all joint categories."""
        return self.density == "exact" and bool(self.by_name)

    def with_categorical(self) -> DiscreteBlock:
        """Return the block with categorical variables, whatever density they were trained with.

        Expectations are sums over the joint categories. If there are too many of these, samples
        are used, which must then be one-hot categories, not relaxed samples.
        """
        return replace(self, density="exact" if self.atoms <= _MOST_ATOMS_EVALUATED else "argmax")

    def noise(self, samples: int, generator: Generator) -> Tensor:
        """Return the noise for B samples, (B, W)."""
        parts = [variable.noise(samples, generator) for variable in self.variables]
        return _side_by_side(parts, torch.empty(samples, 0, device=generator.device))

    def sample(self, logits_BW: Tensor, noise_BW: Tensor) -> Tensor:
        """Return differentiable samples, (B, W): relaxed, or categories where draws are hard."""
        parts = zip(self.variables, self._split(logits_BW), self._split(noise_BW), strict=True)
        samples = [v.sample(p, n, self.temperature) for v, p, n in parts]
        relaxed_BW = _side_by_side(samples, logits_BW[:, :0])
        return self.straight_through(relaxed_BW) if self.hard else relaxed_BW

    def straight_through(self, relaxed_BW: Tensor) -> Tensor:
        """Return the categories of relaxed samples, with the gradient of those (Bengio 2013)."""
        return self.discretise(relaxed_BW.detach()) + (relaxed_BW - relaxed_BW.detach())

    def sample_prior(self, uniform_BV: Tensor) -> Tensor:
        """Return samples from the prior as categories, (B, W)."""
        parts: list[Tensor] = []
        for variable, uniform_B in zip(self.variables, uniform_BV.unbind(1), strict=True):
            cumulative_K = variable.log_p(uniform_B).exp().cumsum(0)
            category_B = torch.searchsorted(cumulative_K, uniform_B.contiguous())
            in_range_B = category_B.clamp_max(variable.categories - 1)  # the sum may be below 1
            parts.append(variable.as_value(in_range_B, uniform_BV))
        return _side_by_side(parts, uniform_BV[:, :0])

    def discretise(self, z_BW: Tensor) -> Tensor:
        """Return relaxed samples as one-hot categories, (B, W)."""
        parts = zip(self.variables, self._split(z_BW), strict=True)
        return _side_by_side([v.as_value(v.category(z), z) for v, z in parts], z_BW[:, :0])

    def categories_of(self, z_BW: Tensor) -> Tensor:
        """Return the category of every variable, (B, V), int64."""
        parts = zip(self.variables, self._split(z_BW), strict=True)
        return torch.stack([v.category(z) for v, z in parts], dim=1)

    def probabilities(self, logits_BW: Tensor) -> Tensor:
        """Return the probabilities of the categories, (B, W)."""
        parts = zip(self.variables, self._split(logits_BW), strict=True)
        return _side_by_side([v.probabilities(p) for v, p in parts], logits_BW[:, :0])

    def log_q_by_atom(self, logits_MW: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of every variable at every atom, (V, A, M)."""
        parts = zip(self.variables, self._split(logits_MW), strict=True)
        rows = [v.log_q(p)[self._values(i, p)] for i, (v, p) in enumerate(parts)]
        return torch.stack(rows) if rows else logits_MW.new_zeros(0, 1, 1)

    def log_q_of_atoms(self, logits_MW: Tensor) -> Tensor:
        """Return log q(k|x_j) of every atom, the sum over the variables, (A, M)."""
        return self.log_q_by_atom(logits_MW).sum(0)

    def atom_shares(self, values_BW: Tensor) -> Tensor:
        """Return the share of every atom in samples, (B, A): the product over the variables.

        Of categories that is one at their atom; shares of relaxed samples sum to one.
        """
        shares_BA = values_BW.new_ones(len(values_BW), 1)
        for variable, value_BW in zip(self.variables, self._split(values_BW), strict=True):
            by_value_BK = variable.shares(value_BW)
            shares_BA = (shares_BA[:, :, None] * by_value_BK[:, None]).flatten(1)
        return shares_BA

    def values_of_atoms(self, like: Tensor) -> Tensor:
        """Return the columns of z at every atom, (A, W)."""
        parts = [v.as_value(self._values(i, like), like) for i, v in enumerate(self.variables)]
        return _side_by_side(parts, like.new_zeros(1, 0))

    def log_q_sampled(self, z_BW: Tensor, logits_MW: Tensor) -> Tensor:
        """Return log q(z_v|x_j) of every variable, sample and encoding, (V, B, M)."""
        parts = zip(self.variables, self._split(z_BW), self._split(logits_MW), strict=True)
        if self.density == "relaxed":
            rows = [v.log_relaxed(z, p, self.temperature) for v, z, p in parts]
        else:
            rows = [v.log_q(p)[v.category(z)] for v, z, p in parts]
        return torch.stack(rows)

    def log_q_own(self, z_BW: Tensor, logits_BW: Tensor) -> Tensor:
        """Return log q(z_v|x_i) of sampled variables under their own encodings, (V, B)."""
        parts = zip(self.variables, self._split(z_BW), self._split(logits_BW), strict=True)
        if self.density == "relaxed":
            pairs = [v.log_relaxed(z, p, self.temperature) for v, z, p in parts]
            return torch.stack(pairs).diagonal(dim1=1, dim2=2)
        rows = [v.log_q(p).gather(0, v.category(z)[None])[0] for v, z, p in parts]
        return torch.stack(rows)

    def draws(self, z_BW: Tensor, logits_BW: Tensor, logits_MW: Tensor) -> CategoryDraws | None:
        """Return the categories of samples beside all others, where their density is ``drawn``."""
        if self.density != "drawn" or not self.by_name:
            return None
        log_own, log_pairs = self._tables(logits_BW), self._tables(logits_MW)
        log_prior = tuple([variable.log_p(z_BW) for variable in self.variables])
        return CategoryDraws(log_own, log_pairs, log_prior, self.categories_of(z_BW))

    def log_p(self, variable: int, z_BW: Tensor) -> Tensor:
        """Return log p of one variable: at every atom, (A, 1), or at its samples, (1, B)."""
        kind, own_BW = self.variables[variable], self._split(z_BW)[variable]
        if self.density == "relaxed":
            return kind.log_relaxed_prior(own_BW, self.temperature)[None]
        log_p_K = kind.log_p(z_BW)
        if self.enumerated:
            return log_p_K[self._values(variable, z_BW)][:, None]
        return log_p_K[kind.category(own_BW)][None]

    def log_p_sampled(self, z_BW: Tensor) -> Tensor:
        """Return log p of every variable at its samples, (V, B); none of them is enumerated."""
        return torch.cat([self.log_p(v, z_BW) for v in range(len(self.variables))])

    def rate_per_variable(self, z_BW: Tensor, logits_BW: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable, (B, V).

        A sum over the categories, but of densities at a sample log q - log p there.
        """
        if not self.by_name:
            return z_BW[:, :0]
        if self.density in ("exact", "drawn"):
            parts = zip(self.variables, self._split(logits_BW), strict=True)
            tables = [(v.log_q(p), v.log_p(p)[:, None]) for v, p in parts]
            return torch.stack([(q.exp() * (q - p)).sum(0) for q, p in tables], dim=1)
        return (self.log_q_own(z_BW, logits_BW) - self.log_p_sampled(z_BW)).T

    def _tables(self, logits_MW: Tensor) -> tuple[Tensor, ...]:
        """Return log q(k|x_j) of every variable, (K, M) each."""
        parts = zip(self.variables, self._split(logits_MW), strict=True)
        return tuple([variable.log_q(part) for variable, part in parts])

    def _split(self, columns_BW: Tensor) -> tuple[Tensor, ...]:
        return columns_BW.split(self.widths, dim=1) if self.by_name else ()

    def _values(self, variable: int, like: Tensor) -> Tensor:
        """Return a variable's category at every atom, (A,); the last variable varies fastest."""
        after = math.prod([v.categories for v in self.variables[variable + 1 :]])
        atoms_A = torch.arange(self.atoms, device=like.device)
        return atoms_A // after % self.variables[variable].categories


def _side_by_side(parts: list[Tensor], none_B0: Tensor) -> Tensor:
    return torch.cat(parts, dim=1) if parts else none_B0


def joined(discrete_BW: Tensor, continuous_BV: Tensor) -> Tensor:
    """Return the columns side by side, without a copy where there are no discrete ones."""
    if discrete_BW.shape[1] == 0:
        return continuous_BV
    return torch.cat([discrete_BW, continuous_BV], dim=1)
