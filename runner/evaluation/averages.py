"""Means over samples that come in chunks, and their standard errors.

Shapes: T figures, M samples of one batch, B chunks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

NumberTree = dict[str, "float | NumberTree | None"]
"""Figures by name, in groups; None where there is no figure."""

WithErrors = tuple[dict[str, float], dict[str, float]]
"""Numbers by name, and the standard errors of some of them by the same names."""


class Averages:
    """Means of some figures over chunks of samples, and their standard errors by batch means.

    The chunks must be of samples in random order. A chunk's mean then varies by the deviation of a
    sample over the root of the chunk's size, which gives the deviation without a figure of each
    sample.

    Estimator: with B chunks the standard error is itself known to about 1 / sqrt(2 B).
    """

    def __init__(self) -> None:
        self._means: list[Tensor] = []
        self._sizes: list[int] = []

    def add(self, mean_T: Tensor, size: int) -> None:
        """Take the means of a chunk of ``size`` samples."""
        self._means.append(mean_T.detach().cpu().double())
        self._sizes.append(size)

    def mean(self) -> Tensor:
        """Return the means over all samples, (T,), float64."""
        return (torch.stack(self._means) * self._shares()).sum(0)

    def standard_error(self) -> Tensor:
        """Return the standard errors of the means, (T,); NaN of a single chunk."""
        if len(self._sizes) < 2:
            return torch.full_like(self._means[0], math.nan)
        away_BT = torch.stack(self._means) - self.mean()
        return ((self._shares() * away_BT.square()).sum(0) / (len(self._sizes) - 1)).sqrt()

    def _shares(self) -> Tensor:
        sizes_B = torch.tensor(self._sizes, dtype=torch.float64)
        return (sizes_B / sizes_B.sum())[:, None]


def standard_error(values_M: Tensor) -> Tensor:
    """Return the standard error of the mean over the first dimension; NaN of a single value."""
    count = len(values_M)
    if count < 2:
        return torch.full_like(values_M[0], math.nan, dtype=torch.float64)
    return values_M.double().std(0) / math.sqrt(count)


def known(values: NumberTree) -> NumberTree:
    """Return the numbers of a tree with None for what is not finite."""
    return {
        name: known(value)
        if isinstance(value, dict)
        else (value if value is not None and math.isfinite(value) else None)
        for name, value in values.items()
    }


def ratio_error(numerator_M: Tensor, denominator_M: Tensor) -> float:
    """Return the standard error of the ratio of two means over the same samples.

    Estimator: that of the mean of (numerator - ratio * denominator) / mean denominator, to which
        the ratio's deviation is equal to first order (the delta method); NaN of a single sample.
    """
    mean = denominator_M.double().mean()
    ratio = numerator_M.double().mean() / mean
    return float(standard_error((numerator_M.double() - ratio * denominator_M.double()) / mean))


def with_errors(names: Sequence[str], values_MT: Tensor) -> WithErrors:
    """Return the means over samples, and their standard errors, by name."""
    return named(names, values_MT.double().mean(0)), named(names, standard_error(values_MT))


def named(names: Sequence[str], values_T: Tensor) -> dict[str, float]:
    """Return figures by their names."""
    return dict(zip(names, values_T.tolist(), strict=True))
