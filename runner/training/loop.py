"""The training loop, a generator of records: it computes, the caller decides what to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from runner.config import RunConfig, Schedule, schedules
from runner.dataset import Dataset
from runner.objective import TERM_NAMES, Objective
from runner.training.compilation import CompiledStep
from runner.training.discriminator import Discriminator
from runner.training.layout import lay_out
from runner.training.own_penalties import OwnPenalties
from runner.training.randomness import new_sampler
from runner.training.source import Source
from runner.training.state import TrainingState
from runner.training.step import StepOutput, step

Record = dict[str, float]
"""Figures of one step: ``step``, ``loss``, ``rate``, ``terms/…``, ``information/…``, in nats, and
``penalties/…``, ``levels/…``, ``scheduled/…`` where there are any."""


def train(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig, steps: int
) -> Iterator[Record | None]:
    """Train until ``steps``; yield after every step, a record where one is due and else None.

    Step s sees the minibatch, the noise and the weights of (seed, s), so training that is left and
    taken up again is training that never stopped. ``state`` is up to date at every yield.

    Raises: DivergedError when a record's loss is not a finite number.
    """
    lay_out(state, dataset.shape)
    source = Source(state.model, objective.plan, dataset, dataset.train, config)
    order, other_order = (
        new_sampler(dataset, config, source.device, purpose) for purpose in ("order", "other order")
    )
    weights = weights_of(objective, source.device)
    plans = shown_schedules(config)
    one_step = CompiledStep(source.device) if config.training.compile is True else step
    own = OwnPenalties(objective.plan.penalties, source.device)
    while state.step < steps:
        done = state.step + 1
        due = record_is_due(config, done, steps)
        weights_S = weights(state.step)
        indices_B = order.batch(state.step)
        batch = source.batch(indices_B, state.step, weights_S, state.bank)
        result = one_step(
            state.model,
            objective.plan,
            weights_S,
            batch,
            with_terms=due,
            discriminator=state.discriminator,
        )
        state.compile_failure = getattr(one_step, "failure", None)
        scheduled = {name: plan.at(state.step) for name, plan in plans.items()}
        _update(state, result, config, scheduled.get("learning_rate"))
        if state.discriminator:
            other_BW = source.samples(other_order.batch(state.step), state.step)
            _teach(state.discriminator, source, state, result.z_BW, other_BW)
        if state.bank:
            state.bank.remember(result.parameters_BP, indices_B, state.step)
        state.step = done
        state.finite &= result.loss.detach().isfinite()
        own.watch(result)
        if due:
            own.check(done)
            state.check_finite()
        yield record_of(state, result, scheduled) if due else None


def record_is_due(config: RunConfig, done: int, steps: int) -> bool:
    """Return whether there is a record after ``done`` steps of so many."""
    return done % config.training.record_every == 0 or done in (1, steps)


def weights_of(objective: Objective, device: torch.device) -> Callable[[int], Tensor]:
    """Return the function from a step to its weights, which are made once where none changes."""

    def at(step: int) -> Tensor:
        weights_S = objective.weights(step).float()
        if device.type == "cuda":  # from pinned memory, so that the copy is not waited for
            return weights_S.pin_memory().to(device, non_blocking=True)
        return weights_S.to(device)

    if not objective.is_constant:
        return at
    constant_S = at(0)
    return lambda _: constant_S


def shown_schedules(config: RunConfig) -> dict[str, Schedule]:
    """Return what changes while training, by name; a weight that follows alpha, say, as alpha."""
    found: dict[str, Schedule] = {}
    for name, plan in sorted(schedules(config), key=lambda each: each[0].startswith("objective.")):
        if not name.startswith("objective.") or plan not in found.values():
            found[name.removeprefix("objective.")] = plan
    return found


def _teach(
    discriminator: Discriminator,
    source: Source,
    state: TrainingState,
    z_BW: Tensor,
    other_BW: Tensor,
) -> None:
    """Let the discriminator learn from the step's samples and from another minibatch's."""
    columns = list(state.model.latents.columns.values())
    noise_BV = source.uniform("permutation", state.step, len(z_BW), len(columns))
    discriminator.learn(z_BW, other_BW, columns, noise_BV)


def _update(
    state: TrainingState, result: StepOutput, config: RunConfig, learning_rate: float | None
) -> None:
    if learning_rate is not None:
        state.optimizer.learning_rate = learning_rate
    state.optimizer.zero_grad()
    result.loss.backward()
    if config.training.clip_gradient is not None:
        torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.training.clip_gradient)
    state.optimizer.step()


def record_of(state: TrainingState, result: StepOutput, scheduled: dict[str, float]) -> Record:
    """Read the figures of a step off the device."""
    record: Record = {"step": state.step, "loss": float(result.loss.detach())}
    if result.decomposition is None:
        record["terms/reconstruction"] = float(result.reconstruction.detach())
    else:
        record |= _information(state, result)
    record |= {f"penalties/{name}": float(v.detach()) for name, v in result.penalties.items()}
    record |= {f"scheduled/{name}": value for name, value in scheduled.items()}
    return record


def _information(state: TrainingState, result: StepOutput) -> Record:
    if result.decomposition is None or result.rate is None:
        raise ValueError("a record needs the terms")
    values_T = result.decomposition.terms.stack().detach()
    groups_G = result.decomposition.group_information_G.detach()
    levels = result.decomposition.levels_L.detach().tolist()
    record: Record = {"rate": float(result.rate.detach())}
    record |= {f"terms/{n}": float(v) for n, v in zip(TERM_NAMES, values_T, strict=True)}
    if len(levels) > 2:  # else they are the two correlation terms
        record |= {f"levels/{depth}": value for depth, value in enumerate(levels, start=1)}
    names = state.model.latents.group_names
    return record | {f"information/{n}": float(v) for n, v in zip(names, groups_G, strict=True)}
