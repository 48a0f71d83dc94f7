"""The pinwheel: points in the plane in four bent arms, stored as images of 1 x 2 pixels.

Shapes: N points.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from runner.dataset.kinds import POINTS
from runner.dataset.splits import Dataset, Factor, ResidentSplit

_ARMS = 4
_POINTS = 100
"""Per arm."""

_ALONG = 0.3
_ACROSS = 0.1
"""Standard deviations along an arm and across it; the arms are centred at radius 1."""

_RATE = 0.25
"""Rotation of an arm, in radians per exp(radius)."""

_TRAIN_SEED = 0
_TEST_SEED = 1
"""Seeds of the two splits, which are the same for every run."""


def load(device: torch.device) -> Dataset:
    """Return 400 training and 400 test points from the same distribution, 100 of each arm.

    An example is a point, (1, 1, 2); its values are coordinates, float32, any real numbers.

    Source: Adams's generator as Johnson et al. 2016 use it, with the settings and the unit radius
    of Mathieu et al. 2019 (Johnson et al. multiply the points by ten). Mathieu et al. ask for a
    radial deviation of 0.1 and a tangential one of 0.3; their generator applies the former across
    an arm and the latter along it, and so do we.
    """
    train, test = (
        ResidentSplit(points_N112.to(device), arms_N1.to(device))
        for points_N112, arms_N1 in (_sample(_TRAIN_SEED), _sample(_TEST_SEED))
    )
    return Dataset(
        name="pinwheel",
        train=train,
        test=test,
        has_test_split=True,
        factors=(Factor("arm", _ARMS),),
        shape=(1, 1, 2),
        class_factor="arm",
        class_names=tuple(str(arm) for arm in range(_ARMS)),
        kind=POINTS,
    )


def _sample(seed: int) -> tuple[Tensor, Tensor]:
    """Return points, (N, 1, 1, 2), and their arms, (N, 1); the arms alternate along N."""
    arms_N = torch.arange(_ARMS * _POINTS) % _ARMS
    noise_N2 = torch.randn(len(arms_N), 2, generator=Generator().manual_seed(seed))
    along_N, across_N = 1 + _ALONG * noise_N2[:, 0], _ACROSS * noise_N2[:, 1]
    angle_N = arms_N * (2 * torch.pi / _ARMS) + _RATE * along_N.exp()
    points_N2 = torch.stack(
        [
            along_N * angle_N.cos() + across_N * angle_N.sin(),
            across_N * angle_N.cos() - along_N * angle_N.sin(),
        ],
        dim=1,
    )
    return points_N2.view(-1, 1, 1, 2), arms_N.unsqueeze(1)
