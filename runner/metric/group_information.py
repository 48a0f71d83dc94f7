"""Mutual information between groups of variables and factors, from nearest neighbours.

Shapes: N images, M images drawn, S images with one value of a factor, B images of a chunk, C
columns, F factors, G groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats, Integers, Sample, stream
from runner.metric.predictors import over_cores
from runner.metric.variables import Group

_CHUNK = 2**21
"""Distances that are held at a time."""

_SLACK = 1 + 1e-10
"""Distances are compared up to rounding, so that images on a lattice count as equally far."""

_cache: WeakKeyDictionary[Codes, dict[tuple[int, int, int], GroupInformation]] = WeakKeyDictionary()
"""Results by (samples, neighbours, seed), for as long as the codes exist."""


@dataclass(frozen=True)
class GroupInformation:
    """What each group says about each factor that varies among the images drawn, in nats."""

    information_GF: Floats
    entropy_F: Floats
    """The estimate of I(v; v): a group that determines a factor has this much information."""
    factor_names: tuple[str, ...]
    images: int
    """M, the images drawn."""

    @property
    def significant_GF(self) -> Floats:
        """The information, with less than 2 / sqrt(M) nats as 0.

        The standard error of the estimate for an independent group is 0.4 to 1 / sqrt(M), for 2 to
        40 values and three neighbours.
        """
        noise = 2 / np.sqrt(self.images)
        return np.where(self.information_GF < noise, 0.0, self.information_GF)


def group_information(
    codes: Codes, *, samples: int, neighbours: int, seed: int
) -> GroupInformation:
    """Return I(z_g; v) of every group and factor, estimated from different images.

    For an image with the value v of a factor, r is the distance to the nearest of the others with
    that value but for ``neighbours`` - 1, k the number of those within r, m the number of all other
    images within r; where r is 0, both count the image itself. The estimate is the mean of
    psi(M) - psi(S) + psi(k) - psi(m), where psi is the digamma function and S the number of images
    with the value, and 0 where that is below it.
    Distances are Euclidean over the columns of the group, as they are, so that a rotation of its
    variables changes nothing. Images of different categories of a discrete variable (the largest
    column) are farther from each other than any two of the same.

    No bins are needed, so the number of columns may be large. The estimate has the mean 0 for a
    group that is independent of the factor, however many columns it has; its standard error is
    then about 0.01 nats for 5,000 images. It is too low where the ``neighbours`` nearest images
    with the same value are farther away than such with another one: with few images for each
    value, or many columns. An image whose value no other one has is left out.

    Raises: UsageError if no factor that varies has two images with the same value among those
        drawn.
    Source: Ross 2014; ties as in Gao et al. 2017. Of one column it is what scikit-learn's
        mutual_info_classif computes.
    """
    cached = _cache.setdefault(codes, {})
    key = (samples, neighbours, seed)
    if key not in cached:
        cached[key] = _estimate(codes, samples, neighbours, seed)
    return cached[key]


def _estimate(codes: Codes, samples: int, neighbours: int, seed: int) -> GroupInformation:
    sample = codes.distinct(samples, stream(seed, "group_information"))
    counts_MF = np.stack([np.bincount(v_M)[v_M] for v_M in sample.factors_MF.T], axis=1)
    counts_MF[counts_MF == 1] = 0  # an image whose value no other one has
    several = np.flatnonzero((counts_MF > 0).any(0) & (np.ptp(sample.factors_MF, axis=0) > 0))
    if not len(several):
        message = f"no value of a varying factor has two of the {len(sample):,} images drawn"
        raise UsageError(message, "draw more samples")
    peers = _Peers(sample.factors_MF[:, several], counts_MF[:, several], neighbours)
    jobs = [partial(_information, _coordinates(sample, group), peers) for group in codes.groups]
    found = over_cores(jobs, [float(len(group.columns)) for group in codes.groups])
    return GroupInformation(
        np.maximum(np.stack(found), 0.0),
        peers.mean(peers.log_odds()),
        tuple(codes.factor_names[f] for f in several),
        len(sample),
    )


@dataclass(frozen=True)
class _Peers:
    """The values of the factors, (M, F), and how many images share each; 0: it is left out."""

    values_MF: Integers
    counts_MF: Integers
    neighbours: int

    def log_odds(self) -> Floats:
        """Return psi(M) - psi(S), (M, F)."""
        kept_F = (self.counts_MF > 0).sum(0)
        return _psi(kept_F) - _psi(self.counts_MF)

    def mean(self, numbers_MF: Floats) -> Floats:
        """Return the mean over the images that are not left out, (F,)."""
        return np.mean(numbers_MF, axis=0, where=self.counts_MF > 0)


def _coordinates(sample: Sample, group: Group) -> Floats:
    """Return the columns of a group; a discrete variable is one, its categories far apart."""
    parts = [sample.codes_MD[:, v.columns] for v in group.variables]
    continuous = [part_MC for part_MC in parts if part_MC.shape[1] == 1]
    extents = [np.ptp(part_MC) for part_MC in continuous]
    apart = 1.0 + 2.0 * float(np.linalg.norm(extents))
    discrete = [apart * part_MC.argmax(1)[:, None] for part_MC in parts if part_MC.shape[1] > 1]
    return np.concatenate([*discrete, *continuous], axis=1)


def _information(points_MC: Floats, peers: _Peers) -> Floats:
    """Return the estimate of the information on each factor, (F,)."""
    radius_MF, same_MF = np.zeros(peers.values_MF.shape), np.ones(peers.values_MF.shape)
    for f, values_M in enumerate(peers.values_MF.T):
        for value in np.unique(values_M[peers.counts_MF[:, f] > 0]):
            rows_S = np.flatnonzero(values_M == value)
            found = _nearest(points_MC[rows_S], peers.neighbours)
            radius_MF[rows_S, f], same_MF[rows_S, f] = found
    all_MF = _within(points_MC, radius_MF, peers.counts_MF > 0)
    return peers.mean(peers.log_odds() + _psi(same_MF) - _psi(all_MF))


def _nearest(points_SC: Floats, neighbours: int) -> tuple[Floats, Floats]:
    """Return the distance to the last of the nearest other points, and how many are within, (S,).

    With points at equal distances there are more within it than ``neighbours``. At the distance 0
    each point counts itself, so that the estimate for a discrete variable is that from counts.
    """
    last = min(neighbours, len(points_SC) - 1)
    radius_S, within_S = np.empty(len(points_SC)), np.empty(len(points_SC))
    for rows, distance_BS in _distances(points_SC):
        radius_B = np.partition(distance_BS, last, axis=1)[:, last] * _SLACK
        radius_S[rows] = radius_B
        inside_B = np.count_nonzero(distance_BS <= radius_B[:, None], axis=1)
        within_S[rows] = inside_B - (radius_B > 0)
    return radius_S, within_S


def _within(points_MC: Floats, radius_MF: Floats, kept_MF: NDArray[np.bool_]) -> Floats:
    """Return the number of other points that are within a radius of each, (M, F).

    At the radius 0 each point counts itself.
    """
    found_MF = np.ones(radius_MF.shape)
    for rows, distance_BM in _distances(points_MC):
        for f in range(radius_MF.shape[1]):
            inside_BM = distance_BM <= radius_MF[rows, f, None]
            if not kept_MF[:, f].all():
                inside_BM &= kept_MF[:, f]
            found_MF[rows, f] = np.count_nonzero(inside_BM, axis=1) - (radius_MF[rows, f] > 0)
    return found_MF


def _distances(points_MC: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield squared distances of some points to all, (B, M), and which rows these points are.

    Those of a pair are the same whatever other points there are, so that they can be compared.
    """
    from scipy.spatial.distance import cdist

    size = max(1, _CHUNK // len(points_MC))
    for first in range(0, len(points_MC), size):
        rows = slice(first, first + size)
        yield rows, np.asarray(cdist(points_MC[rows], points_MC, "sqeuclidean"), np.float64)


def _psi(counts: Floats | Integers) -> Floats:
    """Return the digamma function of counts, and 0 of those below 1, which are of no use."""
    from scipy.special import digamma

    return np.where(counts < 1, 0.0, digamma(np.maximum(counts, 1)))
