"""Networks of topic models: examples are counts of words, and a variable is a topic.

Shapes: B documents, V words of the vocabulary, K columns of z, P parameters of q(z|x), U uniform
numbers behind the dropout of a network, H units of a hidden layer.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor, nn

from runner.config import ProdldaConfig
from runner.model.shapes import NetworkShapes

_EPSILON = 1e-3
"""Added to variances; TensorFlow's default, with which ProdLDA was published."""


def drop_out(values_BU: Tensor, rate: float, uniform_BU: Tensor) -> Tensor:
    """Return values that are zero with probability ``rate`` and else scaled up to keep their mean.

    The noise is given, so that it may be a function of the step.
    """
    return values_BU * (uniform_BU >= rate) / (1 - rate)


class ShiftedBatchNorm(nn.Module):
    """Batch normalisation with a learned shift and no learned scale."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(features, eps=_EPSILON, affine=False)
        self.shift = nn.Parameter(torch.zeros(features))

    def forward(self, values: Tensor) -> Tensor:
        """Return the normalised values."""
        return self.norm(values) + self.shift


class ProdldaEncoder(nn.Module):
    """Counts → softplus layers → dropout → batch-normalised means and log-variances.

    Source: Srivastava and Sutton 2017 and its code. The scales of q(z|x) are the last parameters,
    as log standard deviations: half a normalised log-variance.
    """

    def __init__(self, shapes: NetworkShapes, config: ProdldaConfig) -> None:
        super().__init__()
        sizes = [math.prod(shapes.shape), *config.widths]
        pairs = pairwise(sizes)
        self.hidden = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in pairs)
        self.last = nn.Linear(sizes[-1], shapes.parameters, bias=False)  # normalised: no bias
        self.norm = ShiftedBatchNorm(shapes.parameters)
        self.scales = shapes.parameters - shapes.width
        self.of_logs = config.inputs == "log"
        self.dropout = config.dropout
        self.uniform_count = sizes[-1] if config.dropout else 0
        """U; 0: the network draws no numbers."""

    def forward(self, counts_BCHW: Tensor, uniform_BU: Tensor | None = None) -> Tensor:
        """Return the parameters of q(z|x), (B, P); units are dropped where numbers are given."""
        value_BH = counts_BCHW.flatten(1)
        if self.of_logs:
            value_BH = value_BH.log1p()
        for layer in self.hidden:
            value_BH = F.softplus(layer(value_BH))
        if self.training and uniform_BU is not None:
            value_BH = drop_out(value_BH, self.dropout, uniform_BU)
        parameters_BP = self.norm(self.last(value_BH))
        if not self.scales:
            return parameters_BP
        means, log_variances = parameters_BP.tensor_split([-self.scales], dim=1)
        return torch.cat([means, log_variances / 2], dim=1)


class ProdldaDecoder(nn.Module):
    """θ = softmax(z) → dropout → logits of words, the batch-normalised product with the topics.

    A word's probability is the softmax of its logit, a product of experts and no mixture of topics
    (Srivastava and Sutton 2017).
    """

    def __init__(self, shapes: NetworkShapes, dropout: float) -> None:
        super().__init__()
        shape = (shapes.output_channels, *shapes.shape[1:])
        self.topics = nn.Linear(shapes.width, math.prod(shape), bias=False)
        nn.init.xavier_uniform_(self.topics.weight)
        self.norm = ShiftedBatchNorm(math.prod(shape))
        self.output = nn.Unflatten(1, shape)
        self.dropout = dropout
        self.uniform_count = shapes.width if dropout else 0

    def forward(self, z_BK: Tensor, uniform_BU: Tensor | None = None) -> Tensor:
        """Return the logits of the words, (B, 1, 1, V)."""
        proportions_BK = z_BK.softmax(1)
        if self.training and uniform_BU is not None:
            proportions_BK = drop_out(proportions_BK, self.dropout, uniform_BU)
        return self.output(self.norm(self.topics(proportions_BK)))

    def loadings(self) -> Tensor:
        """Return the weight of every word on every topic, (K, V)."""
        return self.topics.weight.detach().T


class NvdmDecoder(nn.Sequential):
    """Logits of words that are linear in z (Miao et al. 2016)."""

    def __init__(self, shapes: NetworkShapes) -> None:
        shape = (shapes.output_channels, *shapes.shape[1:])
        linear = nn.Linear(shapes.width, math.prod(shape))
        super().__init__(linear, nn.Unflatten(1, shape))

    def loadings(self) -> Tensor:
        """Return the weight of every word on every variable, (K, V)."""
        return next(self.parameters()).detach().T  # the weight of the linear layer
