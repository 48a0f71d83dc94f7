"""Families of probes of growing capacity, which predict a factor from codes.

Shapes: M images, D dimensions of a code, R random features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.metric.codes import Floats, Integers

_SCALE = 0.08
"""Standard deviation of the frequencies of random Fourier features, in cycles per unit."""

_RIDGE = 1e-4
"""Strength of the L2 penalty of linear probes, per image: against rounding, not as a prior."""

_TREES = 100


@dataclass(frozen=True)
class Probe:
    """A probe that is not fitted yet: an estimator of scikit-learn, and its capacity."""

    estimator: Any
    capacity: float


@dataclass(frozen=True)
class Task:
    """What a probe is to predict: one of several values, or a number."""

    inputs: int
    """D."""
    images: int
    """M, to learn from."""
    classes: int | None
    """The number of values; None: a number is regressed."""
    seed: int

    @property
    def outputs(self) -> int:
        """The numbers that a probe returns for an image."""
        return self.classes or 1


def fourier(size: int, task: Task) -> Probe:
    """Return a linear probe of ``size`` random Fourier features (Rahimi & Recht 2007).

    The features are sqrt(2 / size) cos(2 pi w · z + b), with w normal of standard deviation 0.08
    and b uniform. Its capacity is the log of the number of parameters that are learned.
    """
    from sklearn.kernel_approximation import RBFSampler
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    gamma = (2 * np.pi * _SCALE) ** 2 / 2  # RBFSampler draws frequencies of variance 2 gamma
    features = RBFSampler(gamma=gamma, n_components=size, random_state=task.seed)
    estimator = make_pipeline(features, StandardScaler(), _linear(task))
    return Probe(estimator, float(np.log((size + 1) * task.outputs)))


def mlp(size: int, task: Task) -> Probe:
    """Return a network with two hidden layers of ``size`` rectified units; 0: a linear probe.

    Its capacity is the log of its number of parameters.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if size == 0:
        return Probe(_linear(task), float(np.log((task.inputs + 1) * task.outputs)))
    kind: Any = MLPRegressor if task.classes is None else MLPClassifier
    network = kind(
        hidden_layer_sizes=(size, size),
        learning_rate_init=4e-3,
        max_iter=100,
        random_state=task.seed,
    )
    weights = (task.inputs + 1) * size + (size + 1) * size + (size + 1) * task.outputs
    return Probe(network, float(np.log(weights)))


def forest(size: int, task: Task) -> Probe:
    """Return a random forest of 100 trees of depth ``size``, which is its capacity."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if task.classes is None else RandomForestClassifier
    return Probe(kind(_TREES, max_depth=size, random_state=task.seed), float(size))


FAMILIES: Mapping[str, Callable[[int, Task], Probe]] = {
    "fourier": fourier,
    "mlp": mlp,
    "forest": forest,
}
"""Name in ``conf/metrics`` → function of a size and a task."""


def _linear(task: Task) -> Any:  # noqa: ANN401 - scikit-learn has no type for its estimators
    from sklearn.linear_model import LogisticRegression, Ridge

    penalty = _RIDGE * task.images
    if task.classes is None:
        return Ridge(alpha=penalty)
    return LogisticRegression(C=1 / penalty, max_iter=200)


def loss_of(predicted_M: Floats | Integers, truth_M: Floats | Integers, task: Task) -> float:
    """Return the share of errors, or of the variance that is not predicted (1 - R²)."""
    if task.classes is not None:
        return float(np.mean(predicted_M != truth_M))
    return float(np.mean(np.square(predicted_M - truth_M)) / np.var(truth_M))
