"""How the steps of several runs are computed at once: three forms of one computation.

``whole``    ``torch.func.vmap`` of the step of one run, for the runs of each plan: the definition;
``shared``   the networks of all runs under one vmap, then the objective of each plan under another;
``single``   the networks likewise, then the objective run by run, by whatever form it has alone.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from runner.model.broadcast import BroadcastDecoder
from runner.model.mixture import VampPrior
from runner.model.tied_linear import TiedLinear
from runner.model.vae import VAE
from runner.objective import Plan

Form = Literal["whole", "shared", "single"]


_CACHED_BATCH = 128
"""Images of which all pairs of several runs together still stay in a CPU's caches."""


def best_form(device: torch.device, batch_size: int) -> Form:
    """Return the form that is fastest on a device (``tests/benchmarks/packed_speed.py``).

    A GPU waits for the calls of a step, of which ``shared`` makes the fewest. So does a CPU while
    minibatches are small; the pairs of larger ones stay in its cache from one run to the next only
    where the runs have their estimates one after the other.
    """
    return "single" if device.type == "cpu" and batch_size > _CACHED_BATCH else "shared"


_FEWEST_ON_CPU = 4


def is_faster(model: VAE, runs: int) -> bool:
    """Return whether runs of this model train faster together than one after the other.

    On a CPU they do where all layers with numbers are linear, and there are four runs or more:
    convolutions take the time there that they take alone (``tests/benchmarks/packed_speed.py``),
    and so do layers at every place of an image.
    """
    if next(model.parameters()).device.type != "cpu":
        return runs > 1
    networks = (model.encoder, model.decoder)
    layers = (layer for network in networks for layer in network.modules())
    counted = (layer for layer in layers if next(layer.parameters(recurse=False), None) is not None)
    linear = all(isinstance(layer, nn.Linear | TiedLinear) for layer in counted)
    at_places = isinstance(model.decoder, BroadcastDecoder)
    return linear and not at_places and runs >= _FEWEST_ON_CPU


def needs_networks(plan: Plan, model: VAE) -> bool:
    """Return whether an objective calls the networks itself, so that it only has the whole form."""
    calls = any(name in plan.penalties for name in ("contraction", "supervision"))
    return calls or isinstance(model.latents.prior, VampPrior)
