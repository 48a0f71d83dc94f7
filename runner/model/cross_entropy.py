"""The cross-entropy of grey values under Bernoulli pixels, and its gradient.

Shapes: B images, C H W image.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


def cross_entropy(logits_BCHW: Tensor, images_BCHW: Tensor) -> Tensor:
    """Return sum over pixels of max(l, 0) - l x - log sigmoid(|l|), (B,), in nats.

    This is ``binary_cross_entropy_with_logits``, which takes log(1 + exp(-|l|)) instead of the
    last term: by log1p, which costs ten times a logarithm on a CPU. The two differ by at most the
    rounding of a number near one for each pixel. The gradient, sigmoid(l) - x, is as accurate.
    """
    return _CrossEntropy.apply(logits_BCHW, images_BCHW)


class _CrossEntropy(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(logits_BCHW: Tensor, images_BCHW: Tensor) -> Tensor:
        pixels = logits_BCHW.clamp_min(0) - logits_BCHW * images_BCHW
        return (pixels - logits_BCHW.abs().sigmoid_().log_()).flatten(1).sum(1)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:  # noqa: ARG004
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient_B: Tensor) -> tuple[Tensor, Tensor | None]:  # pyright: ignore[reportIncompatibleMethodOverride] - as torch asks for it
        logits, images = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue] - untyped in torch
        each = gradient_B.view(-1, *[1] * (logits.dim() - 1))
        of_images = -logits * each if ctx.needs_input_grad[1] else None  # pyright: ignore[reportAttributeAccessIssue] - untyped in torch
        return (logits.sigmoid() - images) * each, of_images
