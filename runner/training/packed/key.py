"""Which runs can train together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import torch
from torch import nn

from runner.config import RunConfig, Schedule
from runner.dataset import Dataset
from runner.model import VAE
from runner.objective import Objective
from runner.plugins import piece
from runner.training.supervision import labelled_batch_size

_DEVICES = ("cpu", "cuda")


def pack_key(
    config: RunConfig, model: VAE, objective: Objective, dataset: Dataset
) -> Hashable | None:
    """Return what runs must have in common to train together; None for a run that trains alone.

    Runs of one key have the same images and batch size, and networks, latent variables and
    likelihoods of the same shapes and kinds, on one device in one precision; discrete variables
    are drawn, and pairs of images, if any, averaged in one way. Everything else is a run's own:
    its objective, weights and schedules, seed, learning rate, clipping, memory bank, steps and the
    step that it stands at.

    Alone trains what learns beside the model (a discriminator), what is compiled, and what a plugin
    adds to the model or the loss, since nothing is known of such functions.
    """
    device = next(model.parameters()).device
    if config.training.compile is True or device.type not in _DEVICES:
        return None
    if "discriminator" in objective.plan.penalties or _has_own_pieces(config, objective):
        return None
    return (
        (device.type, device.index, config.precision, config.batch_size),
        (repr(config.dataset), config.data_dir, repr(config.validation)),
        (dataset.name, dataset.digest, dataset.train.size, dataset.shape, dataset.kind.name),
        (repr(config.architecture), repr(config.likelihood), _prior(config)),
        (config.objective.concrete_density, config.objective.concrete_draws),
        (objective.plan.pairs, labelled_batch_size(config), _shapes(model)),
    )


def _has_own_pieces(config: RunConfig, objective: Objective) -> bool:
    used = [
        ("network", config.architecture.name),
        ("prior", config.prior.name),
        ("likelihood", config.likelihood.name),
        *(("penalty", name) for name in objective.plan.penalties),
    ]
    return any(piece(kind, name) is not None for kind, name in used)


def _prior(config: RunConfig) -> str:
    """Return the settings of the prior; a scheduled temperature is a weight of each run's steps."""
    if isinstance(config.prior.temperature, Schedule):
        return "scheduled " + repr(replace(config.prior, temperature=0.0))
    return repr(config.prior)


def _shapes(model: nn.Module) -> tuple[tuple[str, tuple[int, ...], torch.dtype], ...]:
    named = [*model.named_parameters(), *model.named_buffers()]
    return tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in named)
