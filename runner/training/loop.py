"""The training loop, a generator of records: it computes, the caller decides what to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Split
from runner.errors import DivergedError, UsageError
from runner.model import VAE
from runner.objective import TERM_NAMES, Objective
from runner.training.randomness import Order, generator
from runner.training.step import Step, step

Record = dict[str, float]
"""Figures of one step: ``step``, ``loss``, ``rate``, ``terms/…`` and ``information/…``, in nats."""


@dataclass
class TrainingState:
    """All that changes while training, and nothing else: what a checkpoint holds."""

    model: VAE
    optimizer: torch.optim.Adam
    step: int = 0
    finite: Tensor = field(default_factory=lambda: torch.tensor(data=True))
    """Whether every loss so far was a finite number; kept on the device, so that no step waits."""

    @classmethod
    def fresh(cls, model: VAE, learning_rate: float) -> TrainingState:
        """Return the state before the first step."""
        device = next(model.parameters()).device
        optimizer = torch.optim.Adam(
            model.parameters(), lr=learning_rate, fused=device.type in ("cpu", "cuda")
        )
        return cls(model, optimizer, finite=torch.tensor(data=True, device=device))

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of a checkpoint, on the CPU: ``model`` and ``optimizer``."""
        parameters = {name: p.detach().cpu() for name, p in self.model.state_dict().items()}
        moments = {
            f"{name}/{key}": value.detach().cpu()
            for name, parameter in self.model.named_parameters()
            for key, value in self.optimizer.state.get(parameter, {}).items()
        }
        return {"model": parameters, "optimizer": moments}

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Take up the tensors of a checkpoint, on the model's own device.

        Raises: UsageError when they are of another model.
        """
        try:
            self.model.load_state_dict(dict(tensors["model"]))
        except RuntimeError as error:
            raise UsageError("the checkpoint belongs to another model than config.yaml") from error
        fused = bool(self.optimizer.defaults["fused"])
        for name, parameter in self.model.named_parameters():
            prefix = f"{name}/"
            self.optimizer.state[parameter] = {
                # Only the fused Adam counts its steps on the parameter's device.
                key.removeprefix(prefix): value.to(parameter.device)
                if fused or not key.endswith("/step")
                else value
                for key, value in tensors["optimizer"].items()
                if key.startswith(prefix)
            }
        self.step = step

    def check_finite(self) -> None:
        """Raise DivergedError unless every loss so far and every parameter is a finite number."""
        parameters = [p for p in self.model.parameters() if not bool(p.isfinite().all())]
        if parameters or not bool(self.finite):
            raise DivergedError(
                f"the loss or a parameter is no longer a finite number at step {self.step}",
                "a smaller learning_rate or training.clip_gradient=100 may help",
            )


def train(
    state: TrainingState, objective: Objective, images: Split, config: RunConfig, steps: int
) -> Iterator[Record | None]:
    """Train until ``steps``; yield after every step, a record where one is due and else None.

    Step s sees the minibatch and the noise of (seed, s), so training that is left and taken up
    again is training that never stopped. ``state`` is up to date at every yield.

    Raises: DivergedError when a record's loss is not a finite number.
    """
    device = next(state.model.parameters()).device
    order = Order(images.size, config.batch_size, config.seed, device)
    one_step = _compiled(config)
    while state.step < steps:
        done = state.step + 1
        due = done % config.training.record_every == 0 or done in (1, steps)
        noise_BW = state.model.prior.noise(
            config.batch_size, generator(device, config.seed, "noise", state.step)
        )
        images_BCHW = images.images(order.batch(state.step))
        result = one_step(state.model, objective, images_BCHW, noise_BW, with_terms=due)
        state.optimizer.zero_grad(set_to_none=True)
        result.loss.backward()
        if config.training.clip_gradient is not None:
            torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.training.clip_gradient)
        state.optimizer.step()
        state.step = done
        state.finite &= result.loss.detach().isfinite()
        if due:
            state.check_finite()
        yield _record(state, result) if due else None


def _compiled(config: RunConfig) -> Callable[..., Step]:
    return torch.compile(step, dynamic=False) if config.training.compile else step


def _record(state: TrainingState, result: Step) -> Record:
    """Read the figures of a step off the device."""
    if result.decomposition is None:
        raise ValueError("a record needs the terms")
    values_T = result.decomposition.terms.stack().detach()
    groups_G = result.decomposition.group_information_G.detach()
    record: Record = {
        "step": state.step,
        "loss": float(result.loss.detach()),
        "rate": float(result.rate.detach()),
    }
    record |= {f"terms/{n}": float(v) for n, v in zip(TERM_NAMES, values_T, strict=True)}
    names = state.model.prior.group_names
    record |= {f"information/{n}": float(v) for n, v in zip(names, groups_G, strict=True)}
    return record
