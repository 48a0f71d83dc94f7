"""What each variable says about each factor, as a share of the factor's entropy, for InfoMEC.

Shapes: M images drawn, F factors, V variables, K variables of one kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from runner.errors import UsageError
from runner.metric.categories import categories, standardised
from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.histogram import entropies, mutual_information
from runner.metric.predictors import over_cores

_cache: WeakKeyDictionary[Codes, dict[tuple[float, ...], LatentInformation]] = WeakKeyDictionary()
"""Results by the arguments of :func:`latent_information`, for as long as the codes exist."""


@dataclass(frozen=True)
class LatentInformation:
    """I(z_v; f) / H(f) of every variable and factor, and which variables are active."""

    share_VF: Floats
    """0 for a variable that is not active."""
    active_V: NDArray[np.bool_]
    factor_names: tuple[str, ...]


def latent_information(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes, *, samples: int, neighbours: int, least_range: float, most_values: int, seed: int
) -> LatentInformation:
    """Return I(z_v; f) / H(f) of every variable and factor, from different images.

    The information of a discrete variable (see :func:`runner.metric.categories.categories`) is the
    plug-in estimate, that of a continuous one, standardised, scikit-learn's ``mutual_info_classif``
    with so many neighbours. H(f) is the plug-in estimate.

    A continuous variable is active if its range is above ``least_range`` of the largest range of a
    continuous variable, a discrete one if it has two values. A factor of whose values none has two
    of the images drawn is left out, and so is one that does not vary among them.

    Raises: UsageError if no factor is left.
    Source: Hsu et al. 2023; Ross 2014 for the estimate.
    """
    cached = _cache.setdefault(codes, {})
    key = (samples, neighbours, least_range, most_values, seed)
    if key not in cached:
        source = stream(seed, "infomec")
        sample = codes.distinct(samples, source)
        kept = _usable_factors(sample.factors_MF)
        factors_MF = sample.factors_MF[:, kept]
        numbers = [categories(sample.codes_MD, v, most_values) for v in codes.variables]
        first_MV = sample.codes_MD[:, [v.columns.start for v in codes.variables]]
        active_V = _active(first_MV, numbers, least_range)
        estimate = _Estimate(factors_MF, neighbours, int(source.integers(2**31)))
        share_VF = estimate.of(first_MV, numbers, active_V) / entropies(factors_MF)
        names = tuple(codes.factor_names[f] for f in kept)
        cached[key] = LatentInformation(share_VF, active_V, names)
    return cached[key]


def _usable_factors(factors_MF: Integers) -> Integers:
    """Return the indices of the factors that vary and of which two images have the same value."""
    most_F = np.array([np.bincount(values_M).max() for values_M in factors_MF.T])
    found = np.flatnonzero((most_F > 1) & (most_F < len(factors_MF)))
    if not len(found):
        message = f"no value of a varying factor has two of the {len(factors_MF):,} images drawn"
        raise UsageError(message, "draw more samples")
    return found


def _active(
    first_MV: Floats, numbers: Sequence[Integers | None], least_range: float
) -> NDArray[np.bool_]:
    """Return which variables are active, (V,); ``numbers`` has the categories of discrete ones."""
    is_discrete_V = np.array([found is not None for found in numbers])
    values_V = np.array([0 if found is None else len(np.unique(found)) for found in numbers])
    range_V = np.where(is_discrete_V, 0.0, np.ptp(first_MV, axis=0))
    return np.where(is_discrete_V, values_V > 1, range_V > least_range * range_V.max())


@dataclass(frozen=True)
class _Estimate:
    """Estimates of mutual information with the factors, (M, F)."""

    factors_MF: Integers
    neighbours: int
    seed: int
    """Of the noise of 1e-10 by which ``mutual_info_classif`` tells equal numbers apart."""

    def of(
        self, first_MV: Floats, numbers: Sequence[Integers | None], active_V: NDArray[np.bool_]
    ) -> Floats:
        """Return I(z_v; f) in nats, (V, F), and 0 for variables that are not active."""
        found_VF = np.zeros((len(active_V), self.factors_MF.shape[1]))
        active = np.flatnonzero(active_V).tolist()
        discrete = {v: found for v in active if (found := numbers[v]) is not None}
        continuous = [v for v in active if numbers[v] is None]
        if discrete:
            numbers_MK = np.stack(list(discrete.values()), axis=1)
            found_VF[list(discrete)] = mutual_information(numbers_MK, self.factors_MF)
        if continuous:
            columns = [standardised(first_MV[:, v]) for v in continuous]
            found_VF[continuous] = self._nearest(np.stack(columns, axis=1))
        return found_VF

    def _nearest(self, columns_MK: Floats) -> Floats:
        from sklearn.feature_selection import mutual_info_classif

        estimate: Any = mutual_info_classif  # its signature names too few types

        jobs = [
            partial(
                estimate,
                columns_MK,
                values_M,
                discrete_features=False,
                n_neighbors=self.neighbours,
                random_state=self.seed,
            )
            for values_M in self.factors_MF.T
        ]
        found = over_cores(jobs, [1.0] * len(jobs))
        return np.stack(found, axis=1)
