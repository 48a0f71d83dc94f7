"""The capacity of a probe is that of the estimator which is fitted."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from runner.metric.capacity_probes import FAMILIES, Task, loss_of


def parameters(estimator) -> int:
    """Return the number of learned parameters of a fitted linear model or network."""
    weights = getattr(estimator, "coefs_", None) or [estimator.coef_]
    biases = getattr(estimator, "intercepts_", None) or [np.atleast_1d(estimator.intercept_)]
    return sum(array.size for array in (*weights, *biases))


@pytest.mark.parametrize("classes", [3, None])
@pytest.mark.parametrize(("family", "size"), [("fourier", 7), ("mlp", 0), ("mlp", 5)])
def test_the_capacity_is_the_log_of_the_number_of_parameters(family, size, classes):
    source = np.random.default_rng(0)
    codes, values = source.normal(size=(60, 4)), np.arange(60) % 3
    probe = FAMILIES[family](size, Task(inputs=4, images=60, classes=classes, seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a network stops at its step limit
        probe.estimator.fit(codes, values)
    last = probe.estimator[-1] if family == "fourier" else probe.estimator
    assert probe.capacity == pytest.approx(np.log(parameters(last)))


def test_the_frequencies_of_random_features_have_the_deviation_of_the_published_program():
    probe = FAMILIES["fourier"](4000, Task(inputs=3, images=10, classes=None, seed=0))
    features = probe.estimator[0].fit(np.zeros((10, 3)))
    assert features.random_weights_.std() == pytest.approx(2 * np.pi * 0.08, rel=0.02)


def test_losses_are_the_share_of_errors_and_of_the_variance_that_is_left():
    truth, predicted = np.array([0, 1, 2, 1]), np.array([0, 1, 1, 1])
    assert loss_of(predicted, truth, Task(1, 4, 3, 0)) == 0.25
    assert loss_of(predicted, truth, Task(1, 4, None, 0)) == pytest.approx(1 / 4 / np.var(truth))
