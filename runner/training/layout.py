"""How convolutions are computed fastest: their layout in memory, and their precision.

With the channels of a pixel side by side ("channels last") torch's kernels need no reordering of
what they read. Nothing that is written knows of it: a checkpoint has every tensor row by row.
"""

from __future__ import annotations

import torch
from torch import nn

from runner.training.state import TrainingState, laid_out_as

_SMALLEST = 32
"""Edge of the smallest images, in pixels, of which a step on a CPU is faster with channels last:
1.05 to 1.15 times at 32 to 128 pixels, 0.95 at 28."""


def lay_out(state: TrainingState, shape: tuple[int, int, int]) -> None:
    """Give convolutions, and what Adam remembers of them, the layout that trains fastest.

    ``shape`` is that of the images, C H W. On a GPU it is channels last under bfloat16, whose
    matrix units take no other; other devices stay as they are.
    """
    device = next(state.model.parameters()).device.type
    wins = min(shape[1:]) >= _SMALLEST if device == "cpu" else state.model.bf16
    if not (wins and _convolves(state.model) and device in ("cpu", "cuda")):
        return
    state.model.to(memory_format=torch.channels_last)
    for parameter, moments in state.optimizer.state.items():
        for name, value in moments.items():
            moments[name] = laid_out_as(parameter, value)


def lay_out_by_rows(model: nn.Module) -> None:
    """Give a model that has been trained the layout of one that is read from a checkpoint."""
    model.to(memory_format=torch.contiguous_format)


def gains_by_bf16(model: nn.Module) -> bool:
    """Return whether ``precision=bf16`` is faster: convolutions on a CPU with instructions for it.

    A step of ``conv64`` is 1.3 to 1.5 times as fast. Fully connected networks were not measured.
    """
    device = next(model.parameters()).device
    has_instructions = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and _convolves(model) and bool(has_instructions())


def _convolves(model: nn.Module) -> bool:
    return any(isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)) for m in model.modules())
