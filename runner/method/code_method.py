"""What methods of deterministic codes share: a model of codes, a likelihood, steps, a checkpoint.

Shapes: B images of a minibatch, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.dataset import COUNTS, Dataset, Split
from runner.errors import DivergedError, UsageError
from runner.method.code_representation import CodeModel, CodeRepresentation
from runner.method.method import (
    Method,
    OpenedMethod,
    ToInput,
    evaluating,
    put_to_use,
    take_parameters,
)
from runner.method.trained_on import TrainedOn
from runner.method.unread import refuse_unread
from runner.model import Likelihood
from runner.model.likelihood import build_likelihood

_AT_ONCE = 500
"""Images that are encoded at a time."""

Shape = tuple[int, int, int]


class CodeModule(nn.Module, CodeModel):
    """A model of codes whose parameters are those of a module."""


Build = Callable[[RunConfig, Shape], CodeModule]
"""From the settings of a run and the shape of its images, C H W, to a model of the run's seed."""


@dataclass
class CodeMethod(Method):
    """A model of codes that is being fitted."""

    config: RunConfig
    dataset: Dataset
    model: CodeModule
    likelihood: Likelihood
    place: torch.device
    made: int = 0
    """The steps that have been made."""

    reads: ClassVar[frozenset[str]] = frozenset()
    """Settings that act here, among those that elsewhere only the VAE family has."""

    @property
    def step(self) -> int:
        """The steps that have been made."""
        return self.made

    @property
    def module(self) -> CodeModule:
        """The model."""
        return self.model

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.place

    def represents(self) -> CodeRepresentation:
        """Return the codes and images of the present parameters, for stored images."""
        to_input = self.dataset.kind.to_input
        return CodeRepresentation(self.model, self.likelihood, to_input, self.place)

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse a likelihood that does not fit the images, or that a mean alone does not give.

        Settings that are not read are refused as well.

        Raises: UsageError.
        """
        refuse_unread(config, self.reads)
        name, of = config.likelihood.name, f"objective={config.objective.name}"
        if dataset.kind is COUNTS:
            message = f"{of} gives expected images, and dataset={dataset.name} has documents"
            raise UsageError(message, "objective=vae takes them, and others with an encoder do")
        if not dataset.kind.admits(config.likelihood):
            message = f"dataset={dataset.name} has {dataset.kind.name}, not for likelihood={name}"
            raise UsageError(message, dataset.kind.remedy)
        try:
            self.likelihood.output_of(torch.full((1, *dataset.shape), 0.5))
        except NotImplementedError:
            message = f"{of} gives expected images, and likelihood={name} needs more than those"
            raise UsageError(message, "likelihood=bernoulli or likelihood=gaussian") from None

    def images_of(self, split: Split, indices_B: Tensor) -> Tensor:
        """Return images of a split as the model sees them, (B, C, H, W)."""
        return self.dataset.kind.to_input(split.images(indices_B))

    def check_finite(self) -> None:
        """Raise DivergedError unless every parameter is a finite number."""
        wrong = [n for n, t in self.model.state_dict().items() if not bool(t.isfinite().all())]
        if wrong:
            message = f"{wrong[0]} is no longer a finite number at step {self.made}"
            raise DivergedError(message, "a smaller learning_rate may help")

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters, on the CPU."""
        state = self.model.state_dict()
        return {"model": {name: t.detach().cpu().clone() for name, t in state.items()}}

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        self.take_parameters(tensors)
        self.made = step

    def take_parameters(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Give the model the parameters of a checkpoint.

        Raises: as :meth:`restore`.
        """
        take_parameters(self.model, tensors)

    def evaluated(self) -> AbstractContextManager[None]:
        """Let the model compute as it does when it is evaluated, and be fitted further after."""
        return evaluating(self.model)

    def finish(self) -> None:
        """Let the model compute as it does when it is evaluated."""
        self.model.eval()

    @torch.no_grad()
    def reconstruction(self, split: Split, indices_N: Tensor) -> float:
        """Return -log p(x|z) of images of a split from their codes, the mean, in nats."""
        model, total = self.represents(), 0.0
        for part in indices_N.split(_AT_ONCE):
            stored_BCHW = split.images(part)
            z_BW = model.discretise(model.encode(stored_BCHW))
            total -= float(model.log_px_z(stored_BCHW, z_BW).sum())
        return total / len(indices_N)

    def validation_loss(self, split: Split, config: RunConfig) -> float:
        """Return -log p(x|z) of images that are not trained on, in nats."""
        count = min(split.size, config.validation.encodings)
        return self.reconstruction(split, torch.arange(count, device=self.place))

    def header(self, config: RunConfig, step: int) -> Mapping[str, str]:  # noqa: ARG002
        """Return the number of the variables of a code."""
        return {"model": f"{config.objective.method}, {len(self.model.columns)} variables"}


@dataclass(frozen=True)
class OpenedCodeModel(OpenedMethod):
    """A model of codes without its training images."""

    model: CodeModule
    likelihood: Likelihood
    place: torch.device

    @property
    def module(self) -> CodeModule:
        """The model."""
        return self.model

    def represents(self, to_input: ToInput) -> CodeRepresentation:
        """Return its codes and images."""
        return CodeRepresentation(self.model, self.likelihood, to_input, self.place)


@dataclass(frozen=True)
class CodeKind:
    """How a method of codes is built from the settings of a run."""

    method: type[CodeMethod]
    build: Build

    def new(self, config: RunConfig, dataset: Dataset, device: torch.device) -> CodeMethod:
        """Return the method before its first step.

        Raises: UsageError for settings that do not fit the images.
        """
        model = self.build(config, dataset.shape).to(device)
        likelihood = build_likelihood(config.likelihood).to(device)
        return self.method(config, dataset, model, likelihood, device)

    def opened(
        self,
        config: RunConfig,
        trained_on: TrainedOn,
        tensors: Mapping[str, Mapping[str, Tensor]],
        device: torch.device,
    ) -> OpenedCodeModel:
        """Return a model with the parameters of a checkpoint.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        model = self.build(config, trained_on.shape)
        put_to_use(model, tensors, device)
        likelihood = build_likelihood(config.likelihood).to(device)
        return OpenedCodeModel(model, likelihood, device)
