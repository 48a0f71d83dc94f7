"""Penalties that a user's file adds: computed at a step, and named where they are no number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from runner.errors import DivergedError, VaerunError
from runner.plugins import Piece, call, pieces, wrong
from runner.training.step_output import StepOutput


def own_value(
    piece: Piece, section: object, weights: Mapping[str, Tensor], inputs: object
) -> Tensor:
    """Return the value of an own penalty, without its weight.

    Args:
        piece: the penalty.
        section: its settings, as the run has them.
        weights: the weights of the step by slot, ``NAME.KEY``; what may be scheduled is taken from
            them.
        inputs: the tensors of the step.

    Raises: VaerunError naming the penalty and its line where it is no scalar, or its function
        fails.
    """
    start = f"{piece.name}."
    at_step = {s.removeprefix(start): w for s, w in weights.items() if s.startswith(start)}
    known = piece.types()
    settings = piece.given(section, **{k: w for k, w in at_step.items() if k in known})
    value = call(piece, settings, inputs, raising=VaerunError)
    if not isinstance(value, Tensor):
        what = f"it must return a scalar tensor, not {type(value).__name__}"
        raise VaerunError(wrong(piece, what))
    if value.shape != ():
        what = f"it must return a scalar tensor, and returns one of the shape {tuple(value.shape)}"
        raise VaerunError(wrong(piece, what))
    return value


class OwnPenalties:
    """Watches which own penalty is the first that is no finite number.

    The answers stay on the device until they are asked for, so that no step waits.
    """

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        known = pieces("penalty")
        self._pieces = {name: known[name] for name in names if name in known}
        self._failed = {name: torch.tensor(data=False, device=device) for name in self._pieces}

    def watch(self, result: StepOutput) -> None:
        """Look at the penalties of a step whose reconstruction is still a finite number."""
        for name, failed in self._failed.items():
            value = result.penalties[name].detach()
            failed.logical_or_(~value.isfinite() & result.reconstruction.detach().isfinite())

    def check(self, step: int) -> None:
        """Raise DivergedError for the first penalty that was no finite number."""
        for name, failed in self._failed.items():
            if bool(failed):
                what = f"it is no longer a finite number at step {step}"
                raise DivergedError(wrong(self._pieces[name], what))
