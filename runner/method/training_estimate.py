"""What the estimate of training says of a trained model, beside what its evaluation says.

Shapes: M encodings of the evaluation, B of a minibatch, K of a memory bank, P parameters of q(z|x),
E numbers of an encoding that estimates are made with, T terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from runner.config import RunConfig
from runner.evaluation import Averages, Encodings, Estimate, training_warnings
from runner.evaluation.averages import known
from runner.model import VAE, LatentSpace
from runner.objective import TERM_NAMES, Objective, Plan, can_sweep, decompose
from runner.training import generator

_MINIBATCHES = 50
"""At most; their mean varies a seventh as much as one of them does."""

_FEWEST = 10

_DENSITIES = 2 * 10**8
"""Of all minibatches together, a second of a CPU, if they are not the fewest."""


@dataclass(frozen=True)
class _Estimator:
    """The estimator of a run's training, for images whose encodings are there."""

    latents: LatentSpace
    plan: Plan
    encodings: Encodings
    batch: int
    """B, the images of a minibatch."""
    bank: int
    """K, the encodings of its memory bank."""

    @property
    def minibatches(self) -> int:
        """How many the estimate is the mean of."""
        each = self.batch * (self.batch + self.bank) * self.latents.width
        most = max(_FEWEST, min(_MINIBATCHES, _DENSITIES // each))
        return min(most, len(self.encodings) // self.batch)

    def estimates(self, source: torch.Generator) -> Iterator[Tensor]:
        """Yield the terms of each minibatch, (T,); no two of them share a sample."""
        size, device = len(self.encodings), source.device
        order_M = torch.randperm(size, generator=source, device=device)
        for number in range(self.minibatches):
            yield self._terms(order_M.roll(-number * self.batch), source)

    def _terms(self, order_M: Tensor, source: torch.Generator) -> Tensor:
        """Return the terms of the first images, beside a bank of those that follow, (T,)."""
        parameters_MP = self.encodings.parameters_MP[order_M[: self.batch + self.bank]]
        noise_MW = self.latents.noise(len(parameters_MP), source)
        z_MW = self.latents.sample(parameters_MP, noise_MW)
        latents, encodings_ME = self.latents.at_draw(parameters_MP, z_MW)
        z_BW, own_BE = z_MW[: self.batch], encodings_ME[: self.batch]
        plain = not (latents.only_normals_sampled and can_sweep(z_BW))
        is_held_K = z_BW.new_ones(self.bank) if self.bank else None
        part = decompose(
            latents.densities(z_BW, own_BE, encodings_ME, pairs=plain),
            -self.encodings.log_px_z_M[order_M[: self.batch]].mean(),
            self.plan.encoding_weights(self.batch, is_held_K, z_BW),
            plain=plain,
        )
        return part.terms.stack()


@torch.no_grad()
def add_training_estimate(  # noqa: PLR0913 - a model, its settings, and what it is evaluated on
    model: VAE,
    config: RunConfig,
    encodings: Encodings,
    summary: dict[str, Any],
    *,
    dataset_size: int,
    step: int,
) -> None:
    """Add ``training_estimate`` to a summary, and a warning for each term that it has wrong.

    It is the estimate of a step of training: its batch size, its weights of the encodings with N
    the number of training images, its way with discrete variables, its memory bank, filled with
    present encodings of other images. It is the mean over minibatches of the images that are
    evaluated, so that a difference from the evaluation is the estimator's and not the images'.

    A deterministic code has no such terms. Where the loss does not depend on the estimate there is
    no warning.

    Args:
        model: the trained model.
        config: the settings of its run.
        encodings: those of the evaluation.
        summary: is added to.
        dataset_size: N, the number of training images.
        step: that the model is of; weights are those of this step.
    """
    if not model.latents.has_density:
        return
    estimator = _estimator(model, config, dataset_size, step, encodings)
    found, device = Averages(), encodings.z_MW.device
    for terms_T in estimator.estimates(generator(device, config.seed, "training estimate")):
        found.add(terms_T, estimator.batch)
    terms, errors = (
        dict(zip(TERM_NAMES, values.tolist(), strict=True))
        for values in (found.mean(), found.standard_error())
    )
    count, images = estimator.batch + estimator.bank, estimator.plan.dataset_size
    is_in_loss = estimator.plan.needs_aggregate_posterior
    summary["training_estimate"] = {
        "terms": terms,
        "encodings": count,
        "minibatches": estimator.minibatches,
        "images": images,
        "in_loss": is_in_loss,
        "standard_errors": {"terms": known(dict(errors))},
    }
    if is_in_loss:
        factorises = model.latents.required_prior.factorises
        estimate = Estimate(terms, errors, count, images, factorises)
        equal = config.objective.encoding_weights == "equal"
        summary["warnings"] += training_warnings(estimate, summary["terms"], equal_weights=equal)


def _estimator(
    model: VAE, config: RunConfig, dataset_size: int, step: int, encodings: Encodings
) -> _Estimator:
    objective = Objective.from_config(config, model.latents.tree, dataset_size)
    weights_S = objective.weights(max(0, step - 1))
    named = objective.plan.named(weights_S, like=encodings.z_MW)
    batch = min(config.batch_size, len(encodings))
    bank = max(0, (config.objective.encodings or 0) - config.batch_size)
    return _Estimator(
        model.bind_latents(named.get("temperature")),
        objective.plan,
        encodings,
        batch,
        min(bank, len(encodings) - batch),
    )
