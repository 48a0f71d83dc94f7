"""How the steps of several runs are computed at once: three forms of one computation.

``whole``    ``torch.func.vmap`` of the step of one run, for the runs of each plan: the definition;
``shared``   the networks of all runs under one vmap, then the objective of each plan under another;
``single``   the networks likewise, then the objective run by run, by whatever form it has alone.
"""

from __future__ import annotations

from typing import Literal

import torch

from runner.model.mixture import VampPrior
from runner.model.vae import VAE
from runner.objective import Plan

Form = Literal["whole", "shared", "single"]


def best_form(device: torch.device) -> Form:
    """Return the form that is fastest on a device.

    A GPU waits for the calls of a step, of which ``shared`` makes the fewest. A CPU computes the
    estimate of q(z) fastest while it fits into its cache, so that there each run has its own.
    """
    return "single" if device.type == "cpu" else "shared"


def needs_networks(plan: Plan, model: VAE) -> bool:
    """Return whether an objective calls the networks itself, so that it only has the whole form."""
    return "contraction" in plan.penalties or isinstance(model.latents.prior, VampPrior)
