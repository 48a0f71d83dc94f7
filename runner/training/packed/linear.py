"""Linear layers of several runs as batches of matrix products.

Shapes: R runs, B images, I inputs and O outputs of a layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def linear(input_RBI: Tensor, weight_ROI: Tensor, bias_RO: Tensor | None) -> Tensor:
    """Return x W^T + b of every run, (R, B, O), as ``torch.nn.functional.linear`` of one run."""
    return _Linear.apply(input_RBI, weight_ROI, bias_RO)


class _Linear(torch.autograd.Function):
    """The same, with a gradient of the weights that lies in memory as the weights do.

    That of ``torch.baddbmm`` is transposed, and would be copied once more before it is used.
    """

    @staticmethod
    def forward(ctx: Any, input_RBI: Tensor, weight_ROI: Tensor, bias_RO: Tensor | None) -> Tensor:  # noqa: ANN401 - torch's own
        ctx.save_for_backward(input_RBI, weight_ROI)
        weight_RIO = weight_ROI.transpose(1, 2)
        if bias_RO is None:
            return torch.bmm(input_RBI, weight_RIO)
        return torch.baddbmm(bias_RO[:, None], input_RBI, weight_RIO)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,  # noqa: ANN401 - torch's own
        gradient_RBO: Tensor,
    ) -> tuple[Tensor | None, ...]:
        input_RBI, weight_ROI = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            torch.bmm(gradient_RBO, weight_ROI) if wanted[0] else None,
            torch.bmm(gradient_RBO.transpose(1, 2), input_RBI) if wanted[1] else None,
            gradient_RBO.sum(1) if wanted[2] else None,
        )
