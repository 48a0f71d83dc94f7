"""Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), in a fused call.

``torch.optim.AdamW`` makes the same call, but constructing one imports the compiler, which takes a
second and 155 MB in every process that trains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_EPSILON = 1e-8
_FUSED = ("cpu", "cuda")
"""Devices of which torch has the fused call in every version that we accept."""


@dataclass(frozen=True)
class _Rule:
    """How parameters move that are updated together."""

    learning_rate: float
    betas: tuple[float, float]
    weight_decay: float


class Adam:
    """Adam with bias correction; the parameters ``decayed`` shrink apart from their gradients.

    A step multiplies these by 1 - learning_rate * weight_decay before it updates them.

    ``state`` holds of every parameter that has had a gradient the tensors ``step`` (a float32
    scalar on the parameter's device), ``exp_avg`` and ``exp_avg_sq``.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        decayed: Iterable[nn.Parameter] = (),
    ) -> None:
        self.learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._decayed = frozenset(decayed)
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}
        self._parameters = list(parameters)
        self.betas = betas

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters that it updates."""
        return list(self._parameters)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    def step(self) -> None:
        """Update all parameters that have a gradient, in place."""
        step_together([self])

    def with_gradient(self) -> list[nn.Parameter]:
        """Return the parameters that have a gradient."""
        return [parameter for parameter in self._parameters if parameter.grad is not None]

    def rule_of(self, parameter: nn.Parameter) -> _Rule:
        """Return how a parameter moves."""
        weight_decay = self._weight_decay if parameter in self._decayed else 0.0
        return _Rule(self.learning_rate, self.betas, weight_decay)

    def prepare(self) -> None:
        """Allocate what the next step keeps of the parameters that have a gradient."""
        for parameter in self.with_gradient():
            self.state_of(parameter)

    def by_rows(self) -> None:
        """Lay out what is kept of the parameters row by row, as parameters in a stack lie."""
        for kept in self.state.values():
            kept |= {name: value.contiguous() for name, value in kept.items()}

    def state_of(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Return what is kept of a parameter; zeros before its first step."""
        if not self.state.get(parameter):
            self.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        return self.state[parameter]


@torch.no_grad()
def step_together(optimizers: Sequence[Adam]) -> None:
    """Take a step of several optimizers, the parameters that move by one rule in one call.

    Each parameter is updated as by its own :meth:`Adam.step`, bit for bit.
    """
    kinds: dict[tuple[object, ...], list[tuple[Adam, nn.Parameter]]] = {}
    for each in optimizers:
        for parameter in each.with_gradient():
            kind = (parameter.device, parameter.dtype, each.rule_of(parameter))
            kinds.setdefault(kind, []).append((each, parameter))
    for pairs in kinds.values():
        optimizer, first = pairs[0]
        update = _fused if first.device.type in _FUSED else _plain
        states = [each.state_of(parameter) for each, parameter in pairs]
        parameters = [parameter for _, parameter in pairs]
        update(parameters, states, optimizer.rule_of(first))


def _gradients(parameters: list[nn.Parameter]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _fused(parameters: list[nn.Parameter], states: list[dict[str, Tensor]], rule: _Rule) -> None:
    steps = _counted(states)
    # Of one call the decay is added to the gradient, of the other it shrinks the parameter.
    adam = torch._fused_adamw_ if rule.weight_decay else torch._fused_adam_  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage] - no public names
    adam(
        list(parameters),
        _gradients(parameters),
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        steps,
        lr=rule.learning_rate,
        beta1=rule.betas[0],
        beta2=rule.betas[1],
        weight_decay=rule.weight_decay,
        eps=_EPSILON,
        amsgrad=False,
        maximize=False,
    )


def _counted(states: list[dict[str, Tensor]]) -> list[Tensor]:
    """Add one to the counts of steps, and return them.

    The counts of parameters that are updated together lie in one tensor, so that one addition
    serves them all.
    """
    steps = [state["step"] for state in states]
    base = steps[0]._base
    if base is None or len(base) != len(steps) or any(step._base is not base for step in steps):
        base = torch.stack(steps)
        steps = list(base.unbind())
        for state, step in zip(states, steps, strict=True):
            state["step"] = step
    base.add_(1)
    return steps


def _plain(parameters: list[nn.Parameter], states: list[dict[str, Tensor]], rule: _Rule) -> None:
    """Update by the formula, on devices without the fused call."""
    betas, kept = rule.betas, 1 - rule.learning_rate * rule.weight_decay
    for parameter, gradient, state in zip(parameters, _gradients(parameters), states, strict=True):
        state["step"] += 1
        mean, square, step = state["exp_avg"], state["exp_avg_sq"], state["step"]
        mean.lerp_(gradient, 1 - betas[0])
        square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
        # 1 - beta^step, which loses its digits where it is computed as written
        shares = [-torch.expm1(step * math.log(beta)) for beta in betas]
        root = (square / shares[1]).sqrt_().add_(_EPSILON)
        if rule.weight_decay:
            parameter.mul_(kept)
        parameter.sub_(rule.learning_rate / shares[0] * mean / root)
