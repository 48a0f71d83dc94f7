"""Clipping of the gradients of several runs, each by its own norm.

Shapes: R runs, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_MARGIN = 1e-6  # of torch.nn.utils.clip_grad_norm_


@torch.no_grad()
def clip(gradients: Sequence[Tensor], largest: Sequence[float | None]) -> None:
    """Scale the gradients of each run, in place, down to its largest global norm.

    As ``torch.nn.utils.clip_grad_norm_`` does for one run. A run without a bound keeps its
    gradients bit for bit, whatever those of the others are.

    Shapes: gradients of P parameters, (R, …) each.
    """
    norms = [torch.linalg.vector_norm(each.reshape(len(each), -1), dim=1) for each in gradients]
    norm_R = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    bounds_R = norm_R.new_tensor([1.0 if bound is None else bound for bound in largest])
    is_bounded_R = torch.tensor([bound is not None for bound in largest], device=norm_R.device)
    share_R = (bounds_R / (norm_R + _MARGIN)).clamp(max=1)
    factor_R = torch.where(is_bounded_R, share_R, 1)
    for each in gradients:
        each.mul_(factor_R.to(each.dtype).view(-1, *[1] * (each.dim() - 1)))
