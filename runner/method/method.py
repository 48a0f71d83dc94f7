"""A method: what fits the training images of a run and represents images afterwards.

The VAE family is one method, :mod:`runner.method.vae`. Runs, grids, evaluation and figures see what
stands here, and not which method it is. An objective names its method (``objective.method``), and
:mod:`runner.method.registry` has them all.
"""

# ruff: noqa: ARG002 - arguments of what a method may do otherwise
from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.dataset import Dataset, Split
from runner.errors import UsageError
from runner.evaluation import Encodings
from runner.evaluation.representation import Representation
from runner.method.trained_on import TrainedOn
from runner.model import VAE
from runner.training import Record, check_parameters
from runner.training.packed import Member

ToInput = Callable[[Tensor], Tensor]
"""From stored images to what a model sees, both (B, C, H, W)."""


@contextmanager
def evaluating(module: nn.Module) -> Generator[None]:
    """Let a module compute as it does when it is evaluated, and as before afterwards."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def take_parameters(module: nn.Module, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Give a module the parameters of a checkpoint, its file ``model``.

    Raises: UsageError when they are of another model; DataError when one is not a number.
    """
    check_parameters(tensors, "model", module)
    module.load_state_dict(dict(tensors["model"]))


def put_to_use(
    module: nn.Module, tensors: Mapping[str, Mapping[str, Tensor]], device: torch.device
) -> None:
    """Give a module the parameters of a checkpoint, to be evaluated on a device.

    Raises: as :func:`take_parameters`.
    """
    take_parameters(module, tensors)
    module.eval().to(device).requires_grad_(requires_grad=False)


class Method(Protocol):
    """A model that is being fitted, with all that changes while it is.

    What only some methods can do (train with others in a pack, start from another run) is refused
    here, or said to be impossible; those that can do it say so themselves.
    """

    @property
    def step(self) -> int:
        """The steps that have been made."""
        ...

    @property
    def module(self) -> nn.Module:
        """The parameters that it is evaluated with."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def represents(self) -> Representation:
        """Return codes, images and densities of the present parameters, for stored images."""
        ...

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse settings, images or a machine that it cannot be fitted with.

        Raises: UsageError.
        """

    def steps_of(self, config: RunConfig, dataset: Dataset) -> int:
        """Return the steps that settings ask for.

        Raises: UsageError.
        """
        ...

    def images_per_step(self, config: RunConfig) -> int:
        """Return how many images a step is given, by which its speed is told."""
        return config.batch_size

    def last_part_begins(self, config: RunConfig) -> int:
        """Return the steps that are made before the last of its parts begins to be fitted.

        A validation until then is of a model that is not whole. 0: all parts are fitted together.
        """
        return 0

    def train(self, config: RunConfig, steps: int) -> Iterator[Record | None]:
        """Fit until ``steps``; yield after every step, a record where one is due and else None.

        Step s depends on (seed, s) and the state alone, so that training that is left and taken up
        again is training that never stopped.

        Raises: DivergedError when a number is no longer finite.
        """
        ...

    def check_finite(self) -> None:
        """Raise DivergedError unless every loss so far and every parameter is a finite number."""
        ...

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of a checkpoint, on the CPU, by the file that they belong in."""
        ...

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        ...

    def parameters(self) -> dict[str, dict[str, Tensor]]:
        """Return the file ``model`` of a checkpoint alone: enough to evaluate it."""
        return {"model": self.tensors()["model"]}

    def take_parameters(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take up what :meth:`parameters` gave, to be evaluated and not to be fitted further.

        Raises: as :meth:`restore`.
        """
        ...

    def evaluated(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes as when it is evaluated."""
        ...

    def finish(self) -> None:
        """Note that nothing is fitted any more: from now on it is evaluated."""

    def validation_loss(self, split: Split, config: RunConfig) -> float:
        """Return what is minimised, for images that are not trained on."""
        ...

    def header(self, config: RunConfig, step: int) -> Mapping[str, str]:
        """Return what the header of a run says of it, by labels."""
        ...

    @property
    def note(self) -> str | None:
        """What a user should know of the steps that were made, in one line."""
        return None

    def add_estimates(
        self, config: RunConfig, step: int, encodings: Encodings, summary: dict[str, Any]
    ) -> None:
        """Add to the summary of an evaluation what training itself says of the same figures."""

    def start_from(self, parameters: Mapping[str, Tensor], only: Sequence[str], name: str) -> None:
        """Begin from parameters of another run, which messages call ``name``.

        Raises: UsageError where they do not fit, or the method begins nowhere else.
        """
        raise UsageError(f"{name}: this objective is fitted anew, from nothing")

    def pack_key(self, config: RunConfig) -> Hashable | None:
        """Return what runs have in common that can train together; None: it trains alone."""
        return None

    def member(self, config: RunConfig, steps: int) -> Member | None:
        """Return what is stacked with other runs, or compiled; None where nothing can be."""
        return None


class OpenedMethod(Protocol):
    """A model that was fitted, without its training images."""

    @property
    def module(self) -> nn.Module:
        """Its parameters."""
        ...

    def represents(self, to_input: ToInput) -> Representation:
        """Return its codes and images, for images that ``to_input`` turns into inputs."""
        ...

    @property
    def networks(self) -> VAE:
        """The encoder and the decoder, for other programs.

        Raises: UsageError where the model is not made of these.
        """
        raise UsageError(
            "only the encoder and decoder of a VAE can be exported, and this objective has none",
            "vaerun encode and vaerun sample use the models of all",
        )


class MethodKind(Protocol):
    """A row of the registry."""

    def new(self, config: RunConfig, dataset: Dataset, device: torch.device) -> Method:
        """Return the method of a run before its first step.

        Raises: UsageError for settings that do not fit together or the images.
        """
        ...

    def opened(
        self,
        config: RunConfig,
        trained_on: TrainedOn,
        tensors: Mapping[str, Mapping[str, Tensor]],
        device: torch.device,
    ) -> OpenedMethod:
        """Return a model with the parameters of a checkpoint, without its images.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        ...
