"""The best configuration by a metric, whichever direction is better."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.comparison.best import best_of, merit
from runner.comparison.configurations import Configuration
from tests.made_comparison import made_run


def of(values: list[float], *, metric: str = "elbo", dataset: str = "mnist") -> Configuration:
    runs = [made_run({"dataset.name": dataset}, {metric: v}, path=Path("r")) for v in values]
    return Configuration({}, tuple(runs))


def test_merit_is_higher_for_the_better_mean():
    assert merit(of([1.0, 3.0]), "elbo") == 2.0
    assert merit(of([1.0, 3.0], metric="terms/reconstruction"), "terms/reconstruction") == -2.0
    assert merit(of([1.0, 3.0], metric="rate"), "rate") == 2.0
    assert merit(of([]), "elbo") == float("-inf")


@pytest.mark.parametrize(
    ("metric", "best"), [("elbo", {2}), ("terms/reconstruction", {0}), ("rate", set())]
)
def test_the_best_follows_the_direction(metric: str, best: set[int]):
    assert best_of([of([v], metric=metric) for v in (1.0, 2.0, 3.0)], metric) == best


def test_of_equals_the_first_is_best_and_a_configuration_without_the_metric_never():
    assert best_of([of([]), of([2.0]), of([2.0])], "elbo") == {1}
    assert best_of([of([]), of([2.0])], "elbo") == set()  # alone it is not the best of anything
