"""The weighted sum that is minimised: an objective is its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from runner.config import ObjectiveConfig
from runner.errors import UsageError, nearest
from runner.objective.aggregate_posterior import LogDensities, log_mixture_weights
from runner.objective.terms import TERM_NAMES, Decomposition, decompose

_KL_TERMS = tuple(name for name in TERM_NAMES if name != "reconstruction")


@dataclass(frozen=True)
class Objective:
    """Weights of the five terms and of the information of single groups, dimensionless."""

    weights: Mapping[str, float]
    group_information: tuple[float, ...]
    """Weight on I(x; z_g) per group, in the prior's order; a negative one is a reward."""
    dataset_size: int
    """N, the number of images that the aggregate posterior is a mean over."""

    @classmethod
    def from_config(
        cls, config: ObjectiveConfig, group_names: Sequence[str], dataset_size: int
    ) -> Objective:
        """Return the objective of a configuration for a prior with these groups and N images.

        Raises: UsageError when ``group_information`` names a group that the prior lacks.
        """
        for name in config.group_information:
            if name not in group_names:
                raise UsageError(
                    f"objective.group_information names '{name}', "
                    f"but the prior's groups are {', '.join(group_names)}",
                    nearest(name, group_names),
                )
        return cls(
            weights={name: float(getattr(config.weights, name)) for name in TERM_NAMES},
            group_information=tuple(config.group_information.get(n, 0.0) for n in group_names),
            dataset_size=dataset_size,
        )

    @property
    def shared_weight(self) -> float:
        """The smallest weight of the four terms that make up the KL: what all of them share."""
        return min(self.weights[name] for name in _KL_TERMS)

    @property
    def needs_aggregate_posterior(self) -> bool:
        """Whether the loss depends on an estimate of q(z) at all; beta-VAE's does not."""
        unequal = any(self.weights[name] != self.shared_weight for name in _KL_TERMS)
        return unequal or any(self.group_information)

    def decompose(self, densities: LogDensities, reconstruction: Tensor) -> Decomposition:
        """Return the terms of a minibatch whose samples are compared with its own encodings.

        Shapes: ``reconstruction`` is -E log p(x|z), a scalar. Units: nats per example.
        """
        samples = densities.atoms_AB.shape[1]
        log_weights_BM = log_mixture_weights(
            samples, samples, self.dataset_size, like=densities.atoms_AB
        )
        return decompose(densities, reconstruction, log_weights_BM)

    def loss(
        self, reconstruction: Tensor, rate: Tensor, decomposition: Decomposition | None
    ) -> Tensor:
        """Return the weighted sum of the terms, in nats per example.

        The four terms beside the reconstruction sum to the rate. The weight that they share is
        charged through ``rate`` (the closed form, where there is one) and only the differences
        through the estimate of q(z): the expectation is the same and the noise is smaller.

        Shapes: scalars; ``decomposition`` may be None unless :attr:`needs_aggregate_posterior`.
        """
        shared = self.shared_weight
        loss = self.weights["reconstruction"] * reconstruction + shared * rate
        if decomposition is None:
            return loss
        for name in _KL_TERMS:
            if self.weights[name] != shared:
                loss = loss + (self.weights[name] - shared) * getattr(decomposition.terms, name)
        for group, weight in enumerate(self.group_information):
            if weight:
                loss = loss + weight * decomposition.group_information_G[group]
        return loss
