"""A prior, a network, a penalty and a metric in one file, and an objective that takes the penalty.

vaerun plugins=[examples/my_pieces/my_pieces.py] dataset=digits objective=orthogonal_vae \
    prior=scaled_normal architecture=narrow

Shapes: B images, V variables, D dimensions of a code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from runner.metric import Codes
from runner.model import NetworkShapes, Prior, PriorImages
from runner.model.independent import AnisotropicNormal, Independent
from runner.plugins import add_metric, add_network, add_penalty, add_prior
from runner.training import PenaltyInputs


@dataclass
class ScaledNormal:
    """``prior.KEY``."""

    dimensions: int = 6
    ratio: float = field(default=0.8, metadata={"help": "variance of a variable over the last's"})


def scaled_normal(settings: ScaledNormal, images: PriorImages) -> Prior:  # noqa: ARG001
    """Return normal variables whose variances fall by a ratio, and are one in the mean."""
    variances_V = settings.ratio ** torch.arange(settings.dimensions, dtype=torch.float32)
    return Independent(AnisotropicNormal(variances_V, 1.0, learned=False))


@dataclass
class Narrow:
    """``architecture.KEY``."""

    width: int = field(default=32, metadata={"help": "units of the hidden layer"})


def narrow(settings: Narrow, shapes: NetworkShapes) -> tuple[nn.Module, nn.Module]:
    """Return networks of one hidden layer."""
    (channels, height, width), units = shapes.shape, settings.width
    pixels = height * width
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * pixels, units),
        nn.ELU(),
        nn.Linear(units, shapes.parameters),
    )
    decoder = nn.Sequential(
        nn.Linear(shapes.width, units),
        nn.ELU(),
        nn.Linear(units, shapes.output_channels * pixels),
        nn.Unflatten(1, (shapes.output_channels, height, width)),
    )
    return encoder, decoder


@dataclass
class Orthogonality:
    """``objective.penalties.orthogonality.KEY``, beside the weight."""

    floor: float = field(default=0.0, metadata={"help": "correlations below it cost nothing"})


def orthogonality(settings: Orthogonality, inputs: PenaltyInputs) -> Tensor:
    """Return the sum of squared correlations of the means beyond a floor."""
    means_BV, _ = inputs.latents.posterior(inputs.parameters_BP)
    centred_BV = means_BV - means_BV.mean(0)
    unit_BV = centred_BV / centred_BV.norm(dim=0).clamp(min=1e-6)
    correlation_VV = (unit_BV.T @ unit_BV).abs() - torch.eye(unit_BV.shape[1]).to(unit_BV)
    return torch.relu(correlation_VV - settings.floor).square().sum()


def correlation(codes: Codes, *, seed: int) -> dict[str, float]:  # noqa: ARG001 - nothing is drawn
    """Return the mean absolute correlation of two variables."""
    values_ND = codes.codes_ND[:, codes.continuous_D]
    moving_ND = values_ND[:, values_ND.std(0) > 1e-8]
    count = moving_ND.shape[1]
    if count < 2:
        return {"correlation": 0.0}
    matrix_DD = np.abs(np.corrcoef(moving_ND.T))
    return {"correlation": float((matrix_DD.sum() - count) / (count * (count - 1)))}


add_prior("scaled_normal", scaled_normal, settings=ScaledNormal, help="Normals of falling scale.")
add_network("narrow", narrow, settings=Narrow, help="One hidden layer.")
add_penalty("orthogonality", orthogonality, settings=Orthogonality, needs=["density"])
add_metric("correlation", correlation, better="low", title="correlation of codes")
