"""What of an objective no step changes, and the sum that is minimised given a step's weights.

Shapes: S weights of a step, B samples, K places of the memory bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

from runner.config import PenaltiesConfig
from runner.objective.encoding_weights import (
    EncodingWeights,
    equal_weights,
    equal_weights_with_bank,
    mixture_weights,
    weights_with_bank,
)
from runner.objective.terms import Decomposition

Static = tuple[tuple[str, object], ...]
"""Settings by dotted name that no step changes, every value hashable."""


@dataclass(frozen=True)
class Plan:
    """The static part of an objective; hashable.

    Runs of equal plans, whose models differ in their parameters alone, do the same computation
    with different numbers, so that one step can serve them all under ``torch.func.vmap`` over
    parameters, weights and batches.
    """

    dataset_size: int
    """N, the number of images that the aggregate posterior is a mean over."""
    weighting: str
    """How the encodings behind q(z) are weighted: ``stratified`` or ``equal``."""
    required_marginals: frozenset[tuple[int, ...]]
    """Sets of variables whose marginal of q(z) the loss ever depends on: none for beta-VAE."""
    terms: tuple[str, ...]
    """Which of ``index_code_mi`` and ``dimension_wise_kl`` ever weigh more than the rate does."""
    levels: tuple[int, ...]
    """Levels of the tree whose total correlation ever weighs more than the rate does; 0 is that
    between groups."""
    groups: tuple[int, ...]
    """Groups, by number, whose information I(x; z_g) ever has a weight of its own."""
    rates: tuple[int, ...]
    """Groups, by number, whose rate KL(q(z_g|x)||p(z_g)) ever has a further weight."""
    penalties: tuple[str, ...]
    """Penalties that ever weigh something."""
    corruption: str | None
    """How the encoder's images are corrupted; None where they never are."""
    pairs: str | None
    """How the posteriors of pairs of images are averaged; None where images are not paired."""
    static: Static
    """The settings of these penalties that no step changes: kernels, kinds, numbers of probes."""
    slots: tuple[str, ...]
    """What each of the S weights belongs to: ``reconstruction``, ``rate``, a term, ``levels.0``,
    ``groups.1``, ``rates.1``, ``capacity.nats``, ``corruption.amount``, ``temperature``."""
    settings: PenaltiesConfig = field(compare=False, repr=False)
    """The settings of all penalties; of those that are on, ``static`` and ``slots`` hold all."""

    @property
    def of_single_images(self) -> Plan:
        """The same for images that are no pairs, such as those that are validated on."""
        return self if self.pairs is None else replace(self, pairs=None)

    @property
    def needs_aggregate_posterior(self) -> bool:
        """Whether the loss ever depends on an estimate of q(z)."""
        return bool(self.required_marginals)

    def named(self, weights_S: Tensor, like: Tensor) -> dict[str, Tensor]:
        """Return each weight of a step by its slot, in the dtype of the tensor that it multiplies.

        Shapes: (S,) to S scalars.
        """
        return dict(zip(self.slots, weights_S.to(like.dtype).unbind(), strict=True))

    def encoding_weights(
        self, samples: int, is_held_K: Tensor | None, like: Tensor
    ) -> EncodingWeights:
        """Return the log-weights of a minibatch's own encodings, and of a bank's if there is one.

        ``is_held_K`` says which places of the bank are taken. Shapes: B or B + K encodings.
        """
        if self.weighting == "equal":
            if is_held_K is None:
                return equal_weights(samples, like=like)
            return equal_weights_with_bank(samples, is_held_K)
        if is_held_K is None:
            return mixture_weights(samples, self.dataset_size, like=like)
        return weights_with_bank(samples, is_held_K, self.dataset_size)

    def log_weights(self, samples: int, is_held_K: Tensor | None, like: Tensor) -> Tensor:
        """Return :meth:`encoding_weights` of all pairs, (B, B) or (B, B + K)."""
        return self.encoding_weights(samples, is_held_K, like).dense(samples)

    def loss(
        self,
        weights: Mapping[str, Tensor],
        reconstruction: Tensor,
        rate: Tensor | None,
        decomposition: Decomposition | None,
    ) -> Tensor:
        """Return the weighted sum of the terms, in nats per example.

        The four terms beside the reconstruction sum to the rate E KL(q(z|x)||p(z)). The weight
        that they share is charged through ``rate`` (the closed form, where there is one) and only
        the differences through the estimate of q(z): the expectation is the same and the noise is
        smaller. ``weights`` are those of :meth:`named`.

        Shapes: scalars; ``rate`` is None for a deterministic code, which has no such terms, and
        ``decomposition`` may be None unless :attr:`needs_aggregate_posterior`.
        Source: Esmaeili et al. 2019 for the terms.
        """
        loss = weights["reconstruction"] * reconstruction
        if rate is None:
            return loss
        loss = loss + weights["rate"] * rate
        if decomposition is None:
            return loss
        for name in self.terms:
            loss = loss + weights[name] * getattr(decomposition.terms, name)
        for level in self.levels:
            loss = loss + weights[f"levels.{level}"] * decomposition.levels_L[level]
        for group in self.groups:
            loss = loss + weights[f"groups.{group}"] * decomposition.group_information_G[group]
        return loss
