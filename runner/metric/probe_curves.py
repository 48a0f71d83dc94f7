"""Probes of growing capacity for every factor: fitted once for all scores that evaluate them.

Shapes: M images, D dimensions of a code, F factors, K sizes, V variables, G groups, P variables and
groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from runner.errors import UsageError
from runner.metric.capacity_probes import FAMILIES, Task, loss_of
from runner.metric.codes import Codes, Floats, Integers, stream
from runner.metric.column_std import column_std
from runner.metric.predictors import over_cores

_ROUNDING = 1e-12
"""Share of a column's range up to which its standard deviation counts as 0."""

_cache: WeakKeyDictionary[Codes, dict[tuple[object, ...], Curves]] = WeakKeyDictionary()
"""Results by the arguments of :func:`probe_curves`, for as long as the codes exist."""


@dataclass(frozen=True)
class Family:
    """Probes of one kind, of several sizes."""

    name: str
    sizes: Sequence[int]


@dataclass(frozen=True)
class Curves:
    """The loss of probes of growing capacity, and the importances for the best of them."""

    capacity_FK: Floats
    loss_FK: Floats
    """On test images; at most the baseline."""
    baseline_F: Floats
    """The loss of a constant prediction, above 0."""
    importance_VF: Floats
    """Those of a factor sum to 1, or all are 0."""
    importance_GF: Floats
    """The same of groups."""
    factor_names: tuple[str, ...]


def probe_curves(  # noqa: PLR0913 - by keyword
    codes: Codes, family: Family, *, train: int, test: int, most_classes: int, seed: int
) -> Curves:
    """Return the losses of probes of every size of a family for every factor.

    They learn from ``train`` images and are judged on ``test`` others, as
    :func:`runner.metric.dci_es.dci_es` says, which also defines the importances: those for the
    probes of the size with the lowest loss, mean over factors.

    Raises: UsageError if no factor varies among the images learned from and those judged.
    """
    cached = _cache.setdefault(codes, {})
    key = (family.name, tuple(family.sizes), train, test, most_classes, seed)
    if key not in cached:
        problems = _problems(codes, train, test, most_classes, seed)
        jobs = [
            partial(_fit, problem, family.name, k) for problem in problems for k in family.sizes
        ]
        costs = [float(k) for _ in problems for k in family.sizes]
        fits = over_cores(jobs, costs)
        by_factor = [
            fits[f * len(family.sizes) :][: len(family.sizes)] for f in range(len(problems))
        ]
        cached[key] = _gather(codes, problems, by_factor)
    return cached[key]


@dataclass(frozen=True)
class _Images:
    """The images that all probes learn from, and those they are judged on."""

    train_MD: Floats
    test_MD: Floats
    order_M: Integers
    """Of the test images, where variables are permuted."""
    columns: Sequence[Integers]
    """Of each variable, then of each group."""


@dataclass(frozen=True)
class _Problem:
    """A factor that is to be predicted."""

    factor: str
    task: Task
    images: _Images
    train_M: Floats | Integers
    test_M: Floats | Integers
    baseline: float


@dataclass(frozen=True)
class _Fit:
    capacity: float
    loss: float
    increase_P: Floats
    """Of the loss, where each variable and each group is permuted."""


def _problems(codes: Codes, train: int, test: int, most_classes: int, seed: int) -> list[_Problem]:
    """Return the factors that can be predicted and judged."""
    source = stream(seed, "dci_es")
    learned, judged = codes.disjoint(train, test, source)
    parts = [np.arange(v.columns.start, v.columns.stop) for v in codes.variables]
    parts += [group.columns for group in codes.groups] if codes.is_grouped else []
    images = _Images(
        *_scaled(learned.codes_MD, judged.codes_MD), source.permutation(len(judged)), parts
    )
    found: list[_Problem] = []
    for f, name in enumerate(codes.factor_names):
        values_S = codes.factor_values[f]
        classes = len(values_S) if len(values_S) <= most_classes else None
        inputs = codes.codes_ND.shape[1]
        task = Task(inputs, len(learned), classes, int(source.integers(2**31)))
        numbers = learned.factors_MF[:, f], judged.factors_MF[:, f]
        baseline = _baseline(*numbers, task)
        if baseline == 0 or np.ptp(numbers[0]) == 0:
            continue
        train_M, test_M = numbers if classes else _targets(values_S, *numbers)
        found.append(_Problem(name, task, images, train_M, test_M, baseline))
    if not found:
        message = f"no factor varies among {len(learned):,} images to learn from and others to test"
        raise UsageError(message, "draw more images")
    return found


def _targets(values_S: Floats, train_M: Integers, test_M: Integers) -> tuple[Floats, Floats]:
    """Return the values to regress, standardised."""
    train_M1, test_M1 = _scaled(values_S[train_M][:, None], values_S[test_M][:, None])
    return train_M1[:, 0], test_M1[:, 0]


def _baseline(train_M: Integers, test_M: Integers, task: Task) -> float:
    """Return the loss of the most frequent value learned from, or of the mean."""
    if task.classes is None:
        return float(np.ptp(test_M) > 0)
    return float(np.mean(test_M != np.bincount(train_M).argmax()))


def _fit(problem: _Problem, family: str, size: int) -> _Fit:
    """Fit a probe and return its loss on the test images, whole and with variables permuted."""
    images, task = problem.images, problem.task
    probe = FAMILIES[family](size, task)
    probe.estimator.fit(images.train_MD, problem.train_M)

    def loss(codes_MD: Floats) -> float:
        return loss_of(probe.estimator.predict(codes_MD), problem.test_M, task)

    whole = loss(images.test_MD)
    increase_P = np.zeros(len(images.columns))
    for p, columns in enumerate(images.columns):
        permuted_MD = images.test_MD.copy()
        permuted_MD[:, columns] = images.test_MD[images.order_M][:, columns]
        increase_P[p] = max(0.0, loss(permuted_MD) - whole)
    return _Fit(probe.capacity, whole, increase_P)


def _gather(codes: Codes, problems: Sequence[_Problem], fits: Sequence[Sequence[_Fit]]) -> Curves:
    baseline_F = np.array([problem.baseline for problem in problems])
    loss_FK = np.array([[fit.loss for fit in of_factor] for of_factor in fits])
    loss_FK = np.minimum(loss_FK, baseline_F[:, None])
    best = int(loss_FK.mean(0).argmin())
    increase_PF = np.stack([of_factor[best].increase_P for of_factor in fits], axis=1)
    of_variables_VF = _shares(increase_PF[: len(codes.variables)])
    of_groups_GF = _shares(increase_PF[len(codes.variables) :])
    return Curves(
        capacity_FK=np.array([[fit.capacity for fit in of_factor] for of_factor in fits]),
        loss_FK=loss_FK,
        baseline_F=baseline_F,
        importance_VF=of_variables_VF,
        importance_GF=of_groups_GF if codes.is_grouped else of_variables_VF,
        factor_names=tuple(problem.factor for problem in problems),
    )


def _shares(increase_VF: Floats) -> Floats:
    """Return each factor's increases as shares of their sum; all are 0 if that is 0."""
    total_F = increase_VF.sum(0)
    return np.divide(
        increase_VF, total_F, out=np.zeros(increase_VF.shape), where=np.asarray(total_F > 0)
    )


def _scaled(train_MD: Floats, test_MD: Floats) -> tuple[Floats, Floats]:
    """Return both, standardised with the mean and the standard deviation of the first.

    A column that is constant in the first, but for rounding, is only brought to the range of both,
    so that none is infinite.
    """
    both_MD = np.concatenate([train_MD, test_MD])
    range_D = np.ptp(both_MD, axis=0)
    unit_MD = (both_MD - both_MD.min(0)) / np.where(range_D > 0, range_D, 1.0)
    train_MD = unit_MD[: len(train_MD)]
    std_D = column_std(train_MD, ddof=0)
    scaled_MD = (unit_MD - train_MD.mean(0)) / np.where(std_D > _ROUNDING, std_D, 1.0)
    return scaled_MD[: len(train_MD)], scaled_MD[len(train_MD) :]
