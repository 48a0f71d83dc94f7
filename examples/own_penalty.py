"""An own penalty: every variable is kept in use, by a least spread of its means.

vaerun plugins=[examples/own_penalty.py] dataset=digits objective.penalties.spread.weight=10

Its target may be a schedule, as every weight may:
objective.penalties.spread.target='{linear: {from: 0, to: 0.5, over: 1000}}'

Shapes: B images, V continuous variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from runner.config import Value
from runner.plugins import add_penalty
from runner.training import PenaltyInputs


@dataclass
class Spread:
    """``objective.penalties.spread.KEY``: what can be set beside the weight."""

    target: Value = field(default=0.5, metadata={"help": "least standard deviation of the means"})


def spread(settings: Spread, inputs: PenaltyInputs) -> Tensor:
    """Return the sum over variables of (target - standard deviation)^2 where that is too small."""
    means_BV, _ = inputs.latents.posterior(inputs.parameters_BP)
    return torch.relu(settings.target - means_BV.std(0)).square().sum()


add_penalty("spread", spread, settings=Spread, needs=["density"], help="Least spread of the means.")
