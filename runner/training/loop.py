"""The training loop, a generator of records: it computes, the caller decides what to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from runner.config import RunConfig, Schedule, schedules
from runner.dataset import Dataset
from runner.objective import TERM_NAMES, Objective, Plan
from runner.training.batch import Batch
from runner.training.corruption import corrupt
from runner.training.penalties import PENALTIES
from runner.training.randomness import Sampler, generator, new_sampler
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
    source = _Source(state, objective.plan, dataset, config)
    weights = _weights(objective, source.device)
    plans = shown_schedules(config)
    one_step = _compiled(config)
    while state.step < steps:
        done = state.step + 1
        due = done % config.training.record_every == 0 or done in (1, steps)
        weights_S = weights(state.step)
        indices_B, batch = source.batch(weights_S)
        result = one_step(
            state.model,
            objective.plan,
            weights_S,
            batch,
            with_terms=due,
            discriminator=state.discriminator,
        )
        scheduled = {name: plan.at(state.step) for name, plan in plans.items()}
        _update(state, result, config, scheduled.get("learning_rate"))
        if state.discriminator:
            source.teach(state, result.z_BW)
        if state.bank:
            state.bank.remember(result.parameters_BP, indices_B, state.step)
        state.step = done
        state.finite &= result.loss.detach().isfinite()
        if due:
            state.check_finite()
        yield _record(state, result, scheduled) if due else None


def _weights(objective: Objective, device: torch.device) -> Callable[[int], Tensor]:
    """Return the function from a step to its weights, which are made once where none changes."""

    def at(step: int) -> Tensor:
        return objective.weights(step).to(device, torch.float32)

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


class _Source:
    """The minibatches of a run, each with the noise of its step."""

    def __init__(
        self, state: TrainingState, plan: Plan, dataset: Dataset, config: RunConfig
    ) -> None:
        self.state, self.plan, self.dataset, self.config = state, plan, dataset, config
        self.device = next(state.model.parameters()).device
        self.sampler = self._sampler("order")
        self.other_sampler = self._sampler("other order")

    def _sampler(self, purpose: str) -> Sampler:
        return new_sampler(self.dataset.train.size, self.config, self.device, purpose)

    def _images(self, indices_B: Tensor) -> Tensor:
        """Return training images as the networks see them, (B, C, H, W)."""
        return self.dataset.kind.to_input(self.dataset.train.images(indices_B))

    def _draws(self, purpose: str) -> torch.Generator:
        return generator(self.device, self.config.seed, purpose, self.state.step)

    def _uniform(self, purpose: str, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._draws(purpose), device=self.device)

    def batch(self, weights_S: Tensor) -> tuple[Tensor, Batch]:
        """Return the indices of the images of the present step, and its batch."""
        latents, bank = self.state.model.latents, self.state.bank
        indices_B = self.sampler.batch(self.state.step)
        images_BCHW = self._images(indices_B)
        inputs_BCHW = images_BCHW
        if self.plan.corruption is not None:
            uniform_BCHW = self._uniform("corruption", *images_BCHW.shape)
            amount = self.plan.named(weights_S, like=uniform_BCHW)["corruption.amount"]
            inputs_BCHW = corrupt(images_BCHW, self.plan.corruption, amount, uniform_BCHW)
        if bank:
            bank.forget(indices_B)
        penalties = [PENALTIES[name] for name in self.plan.penalties]
        draws = any(penalty.needs_prior_draws for penalty in penalties)
        labelled = any(penalty.needs_labels for penalty in penalties)
        labels_B, is_labelled_B = self._labels(indices_B) if labelled else (None, None)
        return indices_B, Batch(
            images_BCHW=images_BCHW,
            inputs_BCHW=inputs_BCHW,
            noise_BW=latents.noise(len(indices_B), self._draws("noise")),
            bank_KP=bank.encodings_KP if bank else None,
            is_held_K=bank.is_held() if bank else None,
            uniform_BU=self._uniform("prior", len(indices_B), latents.uniform_count)
            if draws
            else None,
            probes_SBV=self._probes(len(indices_B)),
            labels_B=labels_B,
            is_labelled_B=is_labelled_B,
        )

    def _labels(self, indices_B: Tensor) -> tuple[Tensor, Tensor] | tuple[None, None]:
        return self.dataset.labels(self.dataset.train, indices_B)

    def _probes(self, samples: int) -> Tensor | None:
        contraction = self.plan.settings.contraction
        if "contraction" not in self.plan.penalties or contraction.estimate == "exact":
            return None
        shape = (contraction.probes, samples, self.state.model.latents.width)
        bits = torch.randint(2, shape, generator=self._draws("probes"), device=self.device)
        return 2.0 * bits - 1.0

    @torch.no_grad()
    def _another(self) -> Tensor:
        """Return samples of z for another minibatch: the second one of FactorVAE."""
        model = self.state.model
        images_BCHW = self._images(self.other_sampler.batch(self.state.step))
        noise_BW = model.latents.noise(len(images_BCHW), self._draws("other noise"))
        return model.latents.sample(model.encode(images_BCHW), noise_BW)

    def teach(self, state: TrainingState, z_BW: Tensor) -> None:
        """Let the discriminator learn from the step's samples and from another minibatch's."""
        if state.discriminator is None:
            return
        columns = list(state.model.latents.columns.values())
        noise_BV = self._uniform("permutation", len(z_BW), len(columns))
        state.discriminator.learn(z_BW, self._another(), columns, noise_BV)


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


def _compiled(config: RunConfig) -> Callable[..., StepOutput]:
    return torch.compile(step, dynamic=False) if config.training.compile else step


def _record(state: TrainingState, result: StepOutput, scheduled: dict[str, float]) -> Record:
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
