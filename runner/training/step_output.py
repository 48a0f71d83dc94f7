"""What a step of training computes.

Shapes: B images, P parameters of q(z|x) that the encoder gives, W columns of z.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from runner.objective import Decomposition


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What a step computes: all scalars are means over the minibatch, in nats per example."""

    loss: Tensor
    reconstruction: Tensor
    rate: Tensor | None
    """None for a deterministic code."""
    decomposition: Decomposition | None
    """None when neither the loss nor a record needed an estimate of q(z), or there is none."""
    penalties: dict[str, Tensor]
    """Each penalty of the objective, without its weight."""
    parameters_BP: Tensor
    z_BW: Tensor
