"""Linear layers that use the transposed weights of others.

Shapes: B images, I inputs, O outputs of the tied layer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from runner.errors import UsageError
from runner.model.shapes import NetworkShapes


class TiedLinear(nn.Module):
    """z W + bias, where W is the other layer's weight and only the bias is this layer's own.

    W is the first ``inputs`` rows of the other layer's weight. That layer is referenced, not owned:
    its weight appears once among the parameters and in ``state_dict()``, and stays shared when both
    layers are moved, loaded or copied together.
    """

    def __init__(self, mirror: nn.Linear, inputs: int) -> None:
        super().__init__()
        self._mirror = (mirror,)  # inside a tuple, out of sight of nn.Module's registration
        self.inputs = inputs
        bound = inputs**-0.5  # as nn.Linear initialises its bias
        self.bias = nn.Parameter(torch.empty(mirror.in_features).uniform_(-bound, bound))

    def forward(self, z_BI: Tensor) -> Tensor:
        """Return the outputs, (B, O)."""
        return F.linear(z_BI, self._mirror[0].weight[: self.inputs].T, self.bias)

    def extra_repr(self) -> str:
        """Return the sizes, as nn.Linear prints them."""
        return f"in_features={self.inputs}, out_features={len(self.bias)}"


def mirrored(down: list[nn.Linear], shapes: NetworkShapes) -> list[nn.Module]:
    """Return the decoder's layers, each with the weight of the encoder's layer it mirrors.

    Where the encoder gives more parameters than z has columns (scales beside means), the decoder's
    first layer shares the rows of the first ``shapes.width`` parameters, the means of normal
    variables. Where it gives fewer, the decoder's first layer has a weight of its own.

    Raises: UsageError when the decoder's output has more channels than the image.
    """
    if shapes.output_channels != shapes.shape[0]:
        raise UsageError(
            "architecture.tied=true needs a likelihood with one output per pixel, "
            f"got {shapes.output_channels // shapes.shape[0]} outputs per pixel"
        )
    last = down[-1]
    fits = shapes.width <= last.out_features
    first = TiedLinear(last, shapes.width) if fits else nn.Linear(shapes.width, last.in_features)
    return [first, *(TiedLinear(layer, layer.out_features) for layer in reversed(down[:-1]))]
