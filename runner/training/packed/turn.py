"""The steps of the same runs together, until one of them leaves.

Shapes: R runs, those of one plan beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor

from runner.errors import DivergedError, VaerunError
from runner.memory import failure
from runner.objective import Plan
from runner.training.adam import step_together
from runner.training.loop import Record, record_of
from runner.training.packed.clipping import clip
from runner.training.packed.form import Form, best_form
from runner.training.packed.forward import Forward, Part
from runner.training.packed.member import Feed, Inputs, gather
from runner.training.packed.stack import Stack
from runner.training.state import TrainingState
from runner.training.step_output import StepOutput

T = TypeVar("T")

Report = Record | DivergedError | None
"""What a run has to report after a step: the record that was due, or the error that ended it."""


class PackTooLargeError(VaerunError):
    """The runs of a pack do not fit into the memory together; their states are as they were."""


class Turn:
    """Runs whose parameters are stacked; :meth:`release` gives each its own tensors again.

    Raises: PackTooLargeError where there is too little memory to stack them.
    """

    def __init__(self, feeds: Sequence[Feed], form: Form | None) -> None:
        rows, parts = _ordered(feeds)
        self._places = sorted(range(len(rows)), key=rows.__getitem__)
        self._feeds = [feeds[row] for row in rows]
        self._states = [feed.member.state for feed in self._feeds]
        models = [state.model for state in self._states]
        self._stack = _fitting(len(models), lambda: Stack(models))
        first = self._feeds[0]
        form = form or best_form(first.source.device, first.member.config.batch_size)
        self._forward = Forward(self._stack, parts, form)
        self._finite_R = torch.stack([state.finite for state in self._states])
        for state, finite in zip(self._states, self._finite_R.unbind(), strict=True):
            state.finite = finite
        clips = [feed.member.config.training.clip_gradient for feed in self._feeds]
        self._clips = None if all(each is None for each in clips) else clips

    def step(self) -> list[Report]:
        """Take a step of every run; return what each has to report, in the order of the feeds.

        Raises: PackTooLargeError where there is too little memory; no run has taken the step.
        """
        inputs, outputs, finite_R = _fitting(len(self._states), self._compute, self._restorer())
        step_together([state.optimizer for state in self._states])
        self._finite_R &= finite_R
        reports = [
            _finished(state, each, output)
            for state, each, output in zip(self._states, inputs, outputs, strict=True)
        ]
        return [reports[place] for place in self._places]

    def _compute(self) -> tuple[list[Inputs], list[StepOutput], Tensor]:
        """Set the gradients, and allocate all that the step needs."""
        inputs, images_RBCHW = gather(self._feeds)
        loss_R, outputs = self._forward(inputs, images_RBCHW)
        parameters = list(self._stack.parameters.values())
        found = torch.autograd.grad(loss_R.sum(), parameters, allow_unused=True)
        gradients = cast("tuple[Tensor | None, ...]", found)
        if self._clips:
            clip([each for each in gradients if each is not None], self._clips)
        self._stack.give(gradients)
        for state, each in zip(self._states, inputs, strict=True):
            if (learning_rate := each.scheduled.get("learning_rate")) is not None:
                state.optimizer.learning_rate = learning_rate
            state.optimizer.prepare()
        return inputs, outputs, loss_R.detach().isfinite()

    def _restorer(self) -> Callable[[], None]:
        """Return a function that undoes what computing a step changes before its end."""
        banks = [(state.bank, state.bank.images_K) for state in self._states if state.bank]
        unused = [state.optimizer for state in self._states if not state.optimizer.state]
        averages = self._stack.averages()

        def restore() -> None:
            for bank, images_K in banks:
                bank.images_K = images_K
            for optimizer in unused:
                optimizer.state.clear()
            self._stack.set_averages(averages)

        return restore

    def release(self) -> None:
        """Give each run tensors of its own."""
        self._stack.release()
        for state in self._states:
            state.finite = state.finite.clone()


def _ordered(feeds: Sequence[Feed]) -> tuple[list[int], list[Part]]:
    """Return the feeds in an order in which those of one plan stand together, and these parts."""
    kinds: dict[tuple[Plan, int], list[int]] = {}
    for number, feed in enumerate(feeds):
        bank = feed.member.state.bank
        kind = (feed.member.objective.plan, len(bank.images_K) if bank else 0)
        kinds.setdefault(kind, []).append(number)
    parts: list[Part] = []
    start = 0
    for (plan, _), numbers in kinds.items():
        parts.append(Part(plan, slice(start, start + len(numbers))))
        start += len(numbers)
    return [number for numbers in kinds.values() for number in numbers], parts


def _finished(state: TrainingState, inputs: Inputs, output: StepOutput) -> Report:
    """Bring a state behind its step, and return what is to be reported of it."""
    if state.bank:
        state.bank.remember(output.parameters_BP, inputs.indices_B, state.step)
    state.step += 1
    if not inputs.due:
        return None
    try:
        state.check_finite()
    except DivergedError as error:
        return error
    return record_of(state, output, dict(inputs.scheduled))


def _fitting(runs: int, compute: Callable[[], T], restore: Callable[[], None] | None = None) -> T:
    """Return the result, or raise PackTooLargeError where memory is what it lacks."""
    try:
        return compute()
    except (RuntimeError, MemoryError) as error:
        if failure(error) is None:
            raise
    # Here, where the error and the tensors that its traceback holds are gone.
    if restore:
        restore()
    raise PackTooLargeError(f"there is too little memory to train {runs} runs together")
