"""Which objectives, priors and datasets go together: what does not is refused in one line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from runner import memory
from runner.config import UNPAIRED, CodePriorConfig, RunConfig, last_step
from runner.dataset import Dataset
from runner.errors import UsageError
from runner.model import LatentSpace
from runner.objective import Objective
from runner.plugins import piece
from runner.training.pairs import check_pairs
from runner.training.penalties import PENALTIES, active_penalties, penalty

_NORMALISED = ("conv32", "prodlda")
"""Architectures with batch normalisation."""


def check_compatibility(
    config: RunConfig, latents: LatentSpace, objective: Objective, dataset: Dataset
) -> None:
    """Refuse settings that each make sense but not together.

    Raises: UsageError saying which two do not fit, and what would.
    """
    kind = dataset.kind
    if not kind.admits(config.likelihood):
        raise UsageError(
            f"dataset={dataset.name} has {kind.name}, and likelihood={config.likelihood.name} "
            f"is no distribution over {kind.name}",
            kind.remedy,
        )
    if objective.plan.corruption not in (None, "masking") and not kind.is_unit:
        raise UsageError(
            f"objective.corruption.kind={objective.plan.corruption} is of values from 0 to 1, "
            f"and dataset={dataset.name} has {kind.name}",
            "objective.corruption.kind=masking",
        )
    on = active_penalties(objective)
    _check_listed(on)
    _check_labels(config, on)
    if "contraction" in on and config.architecture.name in _NORMALISED:
        raise UsageError(
            "objective.penalties.contraction differentiates each image's code by itself, "
            f"but architecture={config.architecture.name} normalises over the minibatch"
        )
    _check_values(config, on, latents)
    settings = config.objective
    weights = [w for name, w in vars(settings.weights).items() if name != "reconstruction"]
    charged = any(weight != 0 for weight in [*weights, *settings.levels])
    if not latents.has_density:
        _check_code(config, on, charged=charged)
        _check_sparsity(config, on)
        return
    if not charged and not _of_distributions(on):
        raise UsageError(
            f"objective={settings.name} leaves q(z|x) free, "
            f"but prior={config.prior.name} draws from it",
            "prior=code is a deterministic code",
        )
    _check_sparsity(config, on)
    if "inclusive_kl" in on and latents.discrete.variables:
        raise UsageError(
            "objective.penalties.inclusive_kl compares continuous variables, "
            f"but the prior has {', '.join(latents.discrete.by_name)}"
        )
    check_pairs(settings.pairs, latents, dataset)
    encodings = settings.encodings
    if encodings is not None and encodings > dataset.train.size:
        raise UsageError(
            f"objective.encodings={encodings} is more than the {dataset.train.size:,} "
            f"training {dataset.kind.examples} of {dataset.name}"
        )


def _check_listed(on: Sequence[str]) -> None:
    """Refuse a penalty of the schema to which no function belongs yet."""
    if missing := [name for name in on if name not in PENALTIES and piece("penalty", name) is None]:
        hint = "PENALTIES in runner/training/penalties.py has an entry for each"
        raise UsageError(f"objective.penalties.{missing[0]} has no function", hint)


def _check_values(config: RunConfig, on: Sequence[str], latents: LatentSpace) -> None:
    """Refuse penalties of a quantised code with a prior that is none."""
    needing = [name for name in on if penalty(name).needs_values]
    if needing and latents.continuous.values_VK is None:
        raise UsageError(
            f"objective.penalties.{needing[0]} is of a quantised code, "
            f"and prior={config.prior.name} is none",
            "prior=quantised_code",
        )


def _check_labels(config: RunConfig, on: Sequence[str]) -> None:
    """Refuse labels that no penalty reads."""
    reads = any(penalty(n).needs_labels or penalty(n).needs_labelled_images for n in on)
    if config.labels is not None and not reads:
        raise UsageError(
            f"labels={config.labels} has no effect: no penalty reads the classes of images",
            "objective.penalties.supervision.weight=1 does",
        )


def _of_distributions(on: Sequence[str]) -> list[str]:
    return [name for name in on if penalty(name).needs_density]


def _check_code(config: RunConfig, on: Sequence[str], *, charged: bool) -> None:
    objective = config.objective
    of_groups = (*objective.group_information.values(), *objective.group_rate.values())
    rewarded = any(weight != 0 for weight in of_groups)
    is_paired = objective.pairs.posterior != UNPAIRED
    if charged or _of_distributions(on) or rewarded or is_paired:
        raise UsageError(
            f"objective={objective.name} weighs distributions, "
            f"but prior={config.prior.name} is a deterministic code",
            "prior=normal is a distribution; objective=ae needs none",
        )


def _check_sparsity(config: RunConfig, on: Sequence[str]) -> None:
    latents = config.prior
    sigmoid = isinstance(latents, CodePriorConfig) and latents.activation == "sigmoid"
    if "sparsity" in on and config.objective.penalties.sparsity.kind == "kl" and not sigmoid:
        raise UsageError(
            "objective.penalties.sparsity.kind=kl needs a code between 0 and 1",
            "prior=sigmoid_code, or objective.penalties.sparsity.kind=l1",
        )


def steps_of(config: RunConfig, dataset: Dataset) -> int:
    """Return the number of gradient steps, from ``epochs`` of full batches where they are given.

    Raises: UsageError when a batch is larger than the dataset.
    """
    images = dataset.train.size
    if config.batch_size > images:
        raise UsageError(
            f"batch_size={config.batch_size} is more than the {images:,} "
            f"training {dataset.kind.examples} of {dataset.name}"
        )
    return last_step(config, images)


def check_fits(config: RunConfig, model: nn.Module, dataset: Dataset) -> None:
    """Refuse a model or a minibatch that this machine has no memory to train.

    Both are compared with the main memory, in which a run for another device is prepared as well.

    Raises: UsageError saying which setting takes how much.
    """
    parameters = sum(parameter.nbytes for parameter in model.parameters())
    # Gradients and the two moments of Adam are as large as the parameters.
    what = f"training architecture={config.architecture.name} of {memory.size(parameters)}"
    hint = "a smaller architecture, or fewer prior.dimensions, need less"
    memory.require(4 * parameters, what, hint)
    # An image, its input, its reconstruction and the gradient of that are there at once.
    images = 4 * 4 * config.batch_size * math.prod(dataset.shape)
    memory.require(images, f"batch_size={config.batch_size}", "choose a smaller batch_size")
