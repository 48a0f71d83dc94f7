"""One run of a pack: its state, and what its next step takes.

Shapes: R runs, B images, C H W image, S weights of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.objective import Objective
from runner.training.batch import Batch
from runner.training.loop import record_is_due, shown_schedules, weights_of
from runner.training.randomness import new_sampler
from runner.training.source import Source
from runner.training.state import TrainingState


@dataclass(frozen=True)
class Member:
    """A run that trains until ``steps``: the arguments of :func:`runner.training.train`."""

    state: TrainingState
    objective: Objective
    dataset: Dataset
    config: RunConfig
    steps: int


@dataclass(frozen=True)
class Inputs:
    """What a run's step takes, and whether a record is due after it."""

    batch: Batch
    weights_S: Tensor
    indices_B: Tensor
    scheduled: Mapping[str, float]
    due: bool


class _GatheredSource(Source):
    """The source of a run whose images have been gathered together with those of others."""

    gathered_BCHW: Tensor | None = None

    def _images(self, indices_B: Tensor) -> Tensor:
        return super()._images(indices_B) if self.gathered_BCHW is None else self.gathered_BCHW


class Feed:
    """The batches, noise and weights of one run, by step, exactly as it has them alone."""

    def __init__(self, member: Member) -> None:
        config, plan, dataset = member.config, member.objective.plan, member.dataset
        self.member = member
        self.source = _GatheredSource(member.state.model, plan, dataset, dataset.train, config)
        self._order = new_sampler(dataset, config, self.source.device, "order")
        self._weights = weights_of(member.objective, self.source.device)
        self._schedules = shown_schedules(config)

    def indices(self) -> Tensor:
        """Return the images of the next step, (B,)."""
        return self._order.batch(self.member.state.step)

    def inputs(self, indices_B: Tensor, images_BCHW: Tensor | None) -> Inputs:
        """Return what the next step takes; images that have been gathered are not gathered anew."""
        state, step = self.member.state, self.member.state.step
        weights_S = self._weights(step)
        self.source.gathered_BCHW = images_BCHW
        return Inputs(
            self.source.batch(indices_B, step, weights_S, state.bank),
            weights_S,
            indices_B,
            {name: plan.at(step) for name, plan in self._schedules.items()},
            due=record_is_due(self.member.config, step + 1, self.member.steps),
        )


def gather(feeds: list[Feed]) -> tuple[list[Inputs], Tensor | None]:
    """Return what the next step of every run takes, and the images of all runs, (R, B, C, H, W).

    The images of one split are gathered at once; None where the runs have splits of their own.
    """
    indices = [feed.indices() for feed in feeds]
    first = feeds[0].member.dataset
    if any(feed.member.dataset.train is not first.train for feed in feeds):
        return [feed.inputs(i, None) for feed, i in zip(feeds, indices, strict=True)], None
    images = first.kind.to_input(first.train.images(torch.cat(indices)))
    images_RBCHW = images.unflatten(0, (len(feeds), -1))
    parts = images_RBCHW.unbind()
    inputs = [f.inputs(i, part) for f, i, part in zip(feeds, indices, parts, strict=True)]
    return inputs, images_RBCHW
