"""The VAE family as a method: five weighted terms and penalties, minimised by Adam."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from runner.config import RunConfig, Schedule, Value
from runner.dataset import Dataset, Split
from runner.evaluation import Encodings
from runner.method.method import (
    Method,
    OpenedMethod,
    ToInput,
    evaluating,
    put_to_use,
    take_parameters,
)
from runner.method.trained_on import TrainedOn
from runner.method.training_estimate import add_training_estimate
from runner.model import VAE, VaeRepresentation, build
from runner.objective import Objective
from runner.training import (
    Record,
    TrainingState,
    active_penalties,
    check_compatibility,
    check_fits,
    gains_by_bf16,
    lay_out_by_rows,
    new_model,
    shown_schedules,
    steps_of,
    take_over,
    train,
    validation_loss,
)
from runner.training.packed import Member, pack_key


@dataclass
class VaeMethod(Method):
    """A VAE, its objective, and the state of its training."""

    state: TrainingState
    objective: Objective
    dataset: Dataset

    @property
    def model(self) -> VAE:
        """The model that is trained."""
        return self.state.model

    @property
    def module(self) -> VAE:
        """The same."""
        return self.state.model

    @property
    def step(self) -> int:
        """The steps that have been made."""
        return self.state.step

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return next(self.model.parameters()).device

    def represents(self) -> VaeRepresentation:
        """Return the codes and densities of the present parameters, for stored images."""
        return VaeRepresentation(self.model, self.dataset.kind.to_input)

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse choices that do not go together, and what this machine has no memory for.

        Raises: UsageError.
        """
        check_compatibility(config, self.model.latents, self.objective, dataset)
        check_fits(config, self.model, dataset)

    def steps_of(self, config: RunConfig, dataset: Dataset) -> int:
        """Return the number of gradient steps.

        Raises: UsageError when a batch is larger than the dataset.
        """
        return steps_of(config, dataset)

    def train(self, config: RunConfig, steps: int) -> Iterator[Record | None]:
        """Make gradient steps; see :func:`runner.training.train`."""
        return train(self.state, self.objective, self.dataset, config, steps)

    def check_finite(self) -> None:
        """Raise DivergedError unless every loss so far and every parameter is a finite number."""
        self.state.check_finite()

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of a checkpoint, on the CPU, by the file that they belong in."""
        return self.state.tensors()

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        self.state.restore(tensors, step)

    def parameters(self) -> dict[str, dict[str, Tensor]]:
        """Return the model alone, without what its optimizer keeps."""
        return self.state.parameters()

    def take_parameters(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Give the model the parameters of a checkpoint.

        Raises: as :meth:`restore`.
        """
        take_parameters(self.model, tensors)

    def evaluated(self) -> AbstractContextManager[None]:
        """Let the model compute as it does when it is evaluated, and train on afterwards."""
        return evaluating(self.model)

    def finish(self) -> None:
        """Let the model compute as it does when it is evaluated, and lay it out for that."""
        self.model.eval()
        lay_out_by_rows(self.model)

    def validation_loss(self, split: Split, config: RunConfig) -> float:
        """Return the loss of images that are not trained on, in nats."""
        return validation_loss(self.state, self.objective, self.dataset, split, config)

    def header(self, config: RunConfig, step: int) -> Mapping[str, str]:
        """Return the weights, the networks, the penalties and the schedules."""
        latents, weights = self.model.latents, self.objective.term_weights(step)
        shown = ["  ".join(f"{name} {weight:g}" for name, weight in weights.items())]
        if of_groups := _weights_of_groups(config):
            shown.append("  and " + ", ".join(of_groups))
        rows = {
            "weights": "".join(shown),
            "model": f"{config.architecture.name}, groups {', '.join(latents.group_names)}",
        }
        if config.precision == "float32" and gains_by_bf16(self.model):
            rows["precision"] = "float32; precision=bf16 is faster on this processor"
        if penalties := active_penalties(self.objective):
            rows["penalties"] = "  ".join(penalties)
        if plans := shown_schedules(config):
            rows["scheduled"] = "  ".join(f"{n} {p.start:g} to {p.end:g}" for n, p in plans.items())
        if len(latents.group_names) == 1 and weights["group_total_correlation"] != 1:
            rows["note"] = (
                "the prior has one group, so no correlation between groups: prior.group_size=2"
            )
        return rows

    @property
    def note(self) -> str | None:
        """Why steps that should be compiled were not."""
        failure = self.state.compile_failure
        return None if failure is None else f"steps were not compiled: {failure}"

    def add_estimates(
        self, config: RunConfig, step: int, encodings: Encodings, summary: dict[str, Any]
    ) -> None:
        """Add what the estimate of training says of the terms; see its own module."""
        size = self.dataset.train.size
        add_training_estimate(self.model, config, encodings, summary, dataset_size=size, step=step)

    def start_from(self, parameters: Mapping[str, Tensor], only: Sequence[str], name: str) -> None:
        """Take over parameters of another model, of some parts or of all.

        Raises: UsageError where they do not fit; DataError where one is not a number.
        """
        take_over(self.model, parameters, only, name)

    def pack_key(self, config: RunConfig) -> Hashable | None:
        """Return what runs have in common that can train together; None: it trains alone."""
        return pack_key(config, self.model, self.objective, self.dataset)

    def member(self, config: RunConfig, steps: int) -> Member:
        """Return the run as one of a pack, or as what is compiled."""
        return Member(self.state, self.objective, self.dataset, config, steps)


def _weights_of_groups(config: RunConfig) -> list[str]:
    """Return each further weight of a group that is not zero, with what it is on."""
    of = config.objective
    information = {f"I(x; {name})": weight for name, weight in of.group_information.items()}
    rates = {f"the rate of {name}": weight for name, weight in of.group_rate.items()}
    every = {**information, **rates}
    return [f"{_number(weight)} on {what}" for what, weight in every.items() if weight != 0]


def _number(value: Value) -> str:
    return "a schedule" if isinstance(value, Schedule) else f"{value:g}"


@dataclass(frozen=True)
class OpenedVae(OpenedMethod):
    """A trained VAE."""

    model: VAE

    @property
    def module(self) -> VAE:
        """The model itself."""
        return self.model

    def represents(self, to_input: ToInput) -> VaeRepresentation:
        """Return its codes and densities."""
        return VaeRepresentation(self.model, to_input)

    @property
    def networks(self) -> VAE:
        """The model itself."""
        return self.model


class VaeKind:
    """How a VAE is built from the settings of a run."""

    def new(self, config: RunConfig, dataset: Dataset, device: torch.device) -> VaeMethod:
        """Return a VAE with the parameters of the run's seed.

        Raises: UsageError when the choices do not fit the images.
        """
        model = new_model(config, dataset, device)
        objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
        return VaeMethod(TrainingState.fresh(model, config), objective, dataset)

    def opened(
        self,
        config: RunConfig,
        trained_on: TrainedOn,
        tensors: Mapping[str, Mapping[str, Tensor]],
        device: torch.device,
    ) -> OpenedVae:
        """Return a VAE with the parameters of a checkpoint.

        Raises: UsageError when they are of another model; DataError when one is not a number.
        """
        model = build(
            config,
            shape=trained_on.shape,
            classes=trained_on.classes,
            images=lambda: trained_on.placeholder_images(config.prior),
        )
        put_to_use(model, tensors, device)
        return OpenedVae(model)
