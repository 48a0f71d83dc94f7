"""The parameters of several models of one shape, as one tensor each that the models look into.

Shapes: R runs come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from runner.model import VAE

T = TypeVar("T")


class Stack:
    """Stacked parameters and buffers, (R, …) by name.

    The models' own tensors become views, so that what changes in the stack changes in the models,
    and the other way around. :meth:`release` gives each model tensors of its own again.
    """

    def __init__(self, models: Sequence[VAE]) -> None:
        self.models = list(models)
        self.skeleton = deepcopy(self.models[0]).to("meta")
        """A model without numbers of its own."""
        self._called = _Called(self.skeleton)
        owned = [dict(model.named_parameters()) for model in self.models]
        held = [dict(model.named_buffers()) for model in self.models]
        parameters = {name: _stacked(owned, name) for name in owned[0]}
        self.buffers = {name: _stacked(held, name) for name in held[0]}
        self.parameters = {n: value.requires_grad_() for n, value in parameters.items()}
        self._own = [[model[name] for model in owned] for name in owned[0]]
        self._held = [[model[name] for model in held] for name in held[0]]
        _look_into(self._own, self.parameters)  # from here on nothing is allocated
        _look_into(self._held, self.buffers)

    def rows(self, rows: slice, prefix: str = "") -> dict[str, Tensor]:
        """Return all stacked tensors of some runs whose names begin with ``prefix``."""
        every = {**self.parameters, **self.buffers}
        wanted = {name: value for name, value in every.items() if name.startswith(prefix)}
        if len(range(len(self.models))[rows]) == len(self.models):
            return wanted  # the gradient of a slice is copied into zeros, even of a whole
        return {name: value[rows] for name, value in wanted.items()}

    def call(self, tensors: Mapping[str, Tensor], function: Callable[..., T], *rest: object) -> T:
        """Return ``function(model, *rest)`` for a model with these tensors, of one run by name.

        Parts of the model whose tensors are not given cannot be used.
        """
        named = {f"model.{name}": tensor for name, tensor in tensors.items()}
        return cast("T", functional_call(self._called, named, (function, *rest)))

    def give(self, gradients: Sequence[Tensor | None]) -> None:
        """Set the gradients of the models' parameters, in the order of :attr:`parameters`."""
        for own, gradient in zip(self._own, gradients, strict=True):
            # Adam's fused call reads a gradient in the order in which its parameter lies.
            parts = [None] * len(own) if gradient is None else gradient.contiguous().unbind()
            for parameter, part in zip(own, parts, strict=True):
                parameter.grad = part

    def averages(self) -> dict[str, Tensor]:
        """Return copies of the buffers that a step changes: those of batch normalisation."""
        has_any = any(name.endswith("running_mean") for name in self.buffers)
        return {n: value.clone() for n, value in self.buffers.items()} if has_any else {}

    def set_averages(self, averages: Mapping[str, Tensor]) -> None:
        """Take up copies of :meth:`averages` again."""
        for name, value in averages.items():
            self.buffers[name].copy_(value)

    def release(self) -> None:
        """Give every model tensors of its own."""
        for tensor in (each for tensors in (*self._own, *self._held) for each in tensors):
            tensor.data = tensor.data.clone()
            tensor.grad = None


def _stacked(every: Sequence[Mapping[str, Tensor]], name: str) -> Tensor:
    # Row by row, whatever the layout that convolutions have trained in.
    return torch.stack([tensors[name].detach().contiguous() for tensors in every]).contiguous()


def _look_into(own: Sequence[Sequence[Tensor]], stacked: Mapping[str, Tensor]) -> None:
    for tensors, whole in zip(own, stacked.values(), strict=True):
        for tensor, part in zip(tensors, whole.detach().unbind(), strict=True):
            tensor.data = part


class _Called(nn.Module):
    """A module whose result is that of any function of its model."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., T], *arguments: object) -> T:
        return function(self.model, *arguments)
