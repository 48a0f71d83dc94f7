"""What compiling a run's steps would cost and gain, measured on copies of its state.

Times are wall-clock seconds. Compiled and other steps take turns, so that what else the machine
does falls on both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.errors import VaerunError
from runner.objective import Objective
from runner.training.loop import Record, train
from runner.training.state import TrainingState

_ROUNDS = 7
_SECONDS = 0.2
"""That a round of steps takes, roughly."""
_FOREVER = 10**9


@dataclass(frozen=True)
class Trial:
    """What was measured of a step."""

    plain: float
    """Seconds of a step as it is."""
    compiled: float
    """Seconds of a compiled step."""
    cost: float
    """Seconds that compiling takes where the compiler's own cache has nothing of it."""
    cost_again: float
    """Seconds that it takes a second time."""


class CompilerError(VaerunError):
    """The compiler cannot compile a step, in one line."""


def seconds_of_a_step(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig
) -> float:
    """Return how long a step takes that is not compiled."""
    steps = _plain_steps(state, objective, dataset, config)
    return statistics.median(_timed(steps, 1, state) for _ in range(5))


def try_compiler(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig
) -> Trial:
    """Return what a compiled step costs and gains. The state is not changed.

    Raises: CompilerError when the compiler fails.
    """
    plain = _plain_steps(state, objective, dataset, config)
    compiled, cost = _compile(state, objective, dataset, config)
    once = max(1e-6, _timed(plain, 1, state))
    count = max(1, round(_SECONDS / once))
    rounds = [(_timed(plain, count, state), _timed(compiled, count, state)) for _ in range(_ROUNDS)]
    torch.compiler.reset()
    _, again = _compile(state, objective, dataset, config)
    median = statistics.median
    return Trial(median(p for p, _ in rounds), median(c for _, c in rounds), cost, again)


def _compile(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig
) -> tuple[Iterator[Record | None], float]:
    """Return compiled steps, and the seconds that compiling took."""
    tried = _copy(state, config)
    steps = train(tried, objective, dataset, _settings(config, compiled=True), _FOREVER)
    next(steps)  # the first has a record, and is not compiled
    begun = time.perf_counter()
    next(steps)
    cost = time.perf_counter() - begun
    if tried.compile_failure is not None:
        raise CompilerError(tried.compile_failure)
    return steps, cost


def _plain_steps(
    state: TrainingState, objective: Objective, dataset: Dataset, config: RunConfig
) -> Iterator[Record | None]:
    """Return the steps of a copy, after the first, which allocates."""
    settings = _settings(config, compiled=False)
    steps = train(_copy(state, config), objective, dataset, settings, _FOREVER)
    next(steps)
    return steps


def _settings(config: RunConfig, *, compiled: bool) -> RunConfig:
    """Return the settings of steps without records."""
    return replace(
        config, training=replace(config.training, compile=compiled, record_every=_FOREVER)
    )


def _copy(state: TrainingState, config: RunConfig) -> TrainingState:
    return TrainingState.fresh(deepcopy(state.model), config)


def _timed(steps: Iterator[Record | None], count: int, state: TrainingState) -> float:
    """Return the seconds of a step, from so many of them."""
    device = next(state.model.parameters()).device
    _wait(device)
    begun = time.perf_counter()
    for _ in range(count):
        next(steps)
    _wait(device)
    return (time.perf_counter() - begun) / count


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
