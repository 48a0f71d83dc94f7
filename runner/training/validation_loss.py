"""The loss of images that are not trained on.

Shapes: N images of the split, B images of a minibatch.
"""

from __future__ import annotations

import torch

from runner.config import RunConfig
from runner.dataset import Dataset, Split
from runner.objective import Objective
from runner.training.randomness import generator
from runner.training.source import Source
from runner.training.state import TrainingState
from runner.training.step import step

_NEEDS_GRADIENTS = ("contraction",)
"""Penalties that differentiate the encoder."""


def validation_loss(
    state: TrainingState, objective: Objective, dataset: Dataset, split: Split, config: RunConfig
) -> float:
    """Return the mean loss of the minibatches of a split, in nats per example.

    It is what training minimises, with the weights of the last step, penalties and a corruption
    included. The memory bank is left out, whose encodings are of training images, and images are
    not paired. Minibatches and noise are the same at every call. At most ``validation.encodings``
    images are taken, and the last ``images % batch_size`` are left out, as in an epoch.

    The state is not changed.
    """
    plan = objective.plan.of_single_images
    source = Source(state.model, plan, dataset, split, config, name="validation ")
    weights_S = objective.weights(max(0, state.step - 1)).to(source.device, torch.float32)
    # In a random order, since neighbours among the files may all be of one class.
    draws = generator(torch.device("cpu"), config.seed, "validation order")
    order_N = torch.randperm(split.size, generator=draws)[: config.validation.encodings]
    size = min(config.batch_size, len(order_N))
    losses: list[float] = []
    differentiates = any(name in plan.penalties for name in _NEEDS_GRADIENTS)
    with torch.set_grad_enabled(differentiates):
        for number in range(len(order_N) // size):
            indices_B = order_N[number * size : (number + 1) * size].to(source.device)
            batch = source.batch(indices_B, number, weights_S)
            result = step(
                state.model,
                plan,
                weights_S,
                batch,
                with_terms=False,
                discriminator=state.discriminator,
            )
            losses.append(float(result.loss.detach()))
    return sum(losses) / len(losses)
