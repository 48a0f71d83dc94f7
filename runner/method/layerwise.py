"""Stacks of layers that are fitted greedily, one after the other (Hinton et al. 2006).

Each layer is a model of the codes that the layers beneath it give; those are no longer changed
while it is fitted. Hidden layers are those of ``architecture=mlp``, the top one is the code.

Shapes: B images of a minibatch, C H W image.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from runner import memory
from runner.config import CodePriorConfig, MlpConfig, RunConfig
from runner.dataset import IMAGES, Dataset
from runner.errors import UsageError
from runner.method.code_method import CodeMethod, Shape
from runner.method.stack import Stack
from runner.method.turns import Turns, check_division, check_early_stop
from runner.training import Record, steps_of
from runner.training.loop import record_is_due
from runner.training.randomness import new_sampler


@dataclass
class Layerwise(CodeMethod):
    """A stack of layers that is being fitted from the bottom to the top."""

    @property
    @abstractmethod
    def parts(self) -> int:
        """How many turns there are: the layers, and what else is fitted after them."""

    @property
    def sizes(self) -> list[int]:
        """Units of the image and of every layer above it."""
        if not isinstance(self.model, Stack):
            raise TypeError("layers are those of a stack")
        return self.model.sizes

    @abstractmethod
    def learn(self, part: int, images_BCHW: Tensor) -> None:
        """Make a step of a part with images as the model sees them."""

    @abstractmethod
    def figures(self, part: int, images_BCHW: Tensor) -> Record:
        """Return what a record says of a part that has just learned from some images.

        The ``loss`` is that of the part on what the layers beneath it give, and
        ``terms/reconstruction`` that of the images by the layers so far, both in nats per image.
        """

    @property
    def turns(self) -> Turns:
        """The steps of each part."""
        return Turns(self.steps_of(self.config, self.dataset), self.parts)

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse settings that a stack does not have, besides what all methods of codes refuse.

        Raises: UsageError.
        """
        super().check(config, dataset)
        of = f"objective={config.objective.name}"
        if dataset.kind is not IMAGES:
            raise UsageError(
                f"{of} takes images, and dataset={dataset.name} has {dataset.kind.name}"
            )
        if getattr(config.likelihood, "learned", False):
            raise UsageError(f"{of} takes the scale of its likelihood as it is", _FIXED)
        check_early_stop(config, self.last_part_begins(config), f"the last part of {of}")

    def steps_of(self, config: RunConfig, dataset: Dataset) -> int:
        """Return the number of steps of all parts together.

        Raises: UsageError when a batch is larger than the dataset.
        """
        return steps_of(config, dataset)

    def last_part_begins(self, config: RunConfig) -> int:  # noqa: ARG002 - those of the run
        """Return the steps of all parts before the last."""
        return self.turns.first(self.parts - 1)

    def train(self, config: RunConfig, steps: int) -> Iterator[Record | None]:
        """Fit the parts in turn; see :meth:`runner.method.method.Method.train`."""
        order = new_sampler(self.dataset, config, self.place, "order")
        turns = self.turns
        while self.made < steps:
            part = turns.of(self.made)
            images_BCHW = self.images_of(self.dataset.train, order.batch(self.made))
            self.learn(part, images_BCHW)
            self.made += 1
            due = record_is_due(config, self.made, steps)
            if due:
                self.check_finite()
            yield {"step": self.made, **self.figures(part, images_BCHW)} if due else None

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters, and the number of steps that the parts were given."""
        divided = {"steps": torch.tensor(self.turns.steps), "parts": torch.tensor(self.parts)}
        return {**super().tensors(), "turns": divided}

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint.

        Raises: UsageError when they are of another model, or its steps were divided otherwise;
            DataError when one is not a number.
        """
        asked = {"steps": self.turns.steps, "parts": self.parts}
        check_division(tensors.get("turns", {}), asked, "among its layers")
        super().restore(tensors, step)

    def header(self, config: RunConfig, step: int) -> Mapping[str, str]:  # noqa: ARG002
        """Return the units of the layers, and the turns of the parts."""
        units = ", ".join(str(size) for size in self.sizes)
        rows = {"model": f"{config.objective.method}, layers of {units} units"}
        if self.parts > 1:
            each = self.turns.steps // self.parts
            rows["turns"] = f"{self.parts} parts one after the other, {each:,} steps each"
        return rows


_FIXED = "likelihood.learned=false"
_SMALLER = "smaller architecture.widths, or fewer prior.dimensions, need less"


def layer_sizes(config: RunConfig, shape: Shape) -> list[int]:
    """Return the units of the image, of the hidden layers, and of the code.

    Raises: UsageError for another architecture, another prior than a code, or layers that this
        machine has no memory for.
    """
    of, architecture = f"objective={config.objective.name}", config.architecture
    if not isinstance(architecture, MlpConfig):
        message = f"{of} stacks the layers of architecture=mlp, not those of {architecture.name}"
        raise UsageError(message, "architecture=mlp")
    if architecture.conditional:
        raise UsageError(f"{of} has no posterior, and none for architecture.conditional=true")
    sizes = [math.prod(shape), *architecture.widths, code_units(config)]
    weights = sum(below * above for below, above in pairwise(sizes))
    # Of float32: the weights to the code and back, their gradients and the two moments of Adam.
    memory.require(2 * 4 * 4 * weights, f"{of} of {memory.size(4 * weights)}", _SMALLER)
    return sizes


def code_units(config: RunConfig, activation: str | None = None) -> int:
    """Return the units of the code, all of them continuous.

    Raises: UsageError for another prior than a code, of an activation where one is asked for.
    """
    of, prior = f"objective={config.objective.name}", config.prior
    wanted = "sigmoid_code" if activation == "sigmoid" else "code"
    if not isinstance(prior, CodePriorConfig) or activation not in (None, prior.activation):
        has = "probabilities of its units as the code" if activation else "a deterministic code"
        raise UsageError(f"{of} has {has}, not prior={prior.name}", f"prior={wanted}")
    if prior.discrete:
        raise UsageError(f"{of} has no discrete variables: prior.discrete must be {{}}")
    return prior.dimensions
