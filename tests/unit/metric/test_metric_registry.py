"""Scores are found in the table of quantities, and refuse codes that they are not defined for."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from runner.errors import UsageError
from runner.metric import METRICS, Codes, compute, quantities, registry
from runner.metric.quantity import Quantity, Score
from runner.metric.registry import _function


@pytest.fixture
def codes() -> Codes:
    source = np.random.default_rng(0)
    factors = source.integers(3, size=(60, 1))
    return Codes.of(source.normal(size=(60, 1)), factors, factor_names=["shape"])


@pytest.mark.parametrize("name", METRICS)
def test_every_score_has_a_function_with_a_seed(name: str):
    parameters = inspect.signature(_function(name, METRICS[name])).parameters
    assert "seed" in parameters
    assert ("factor" in parameters) == METRICS[name].of_class


def test_codes_that_a_score_cannot_have_are_refused(codes: Codes):
    with pytest.raises(UsageError, match="modularity needs 2 factors that vary, not shape alone"):
        compute("modularity", codes, factor="shape", seed=0, settings={"samples": 10, "bins": 3})
    with pytest.raises(UsageError, match="unsupervised needs 2 variables, there is one"):
        compute("unsupervised", codes, factor="shape", seed=0, settings={"samples": 10, "bins": 3})


def test_a_new_score_needs_only_a_row(codes: Codes, monkeypatch: pytest.MonkeyPatch):
    row = Quantity("scores/<codes>/my_mig", "my gap", "mine", "", "higher", "my_mig",
                   score=Score("mig.mig"))  # fmt: skip
    monkeypatch.setattr(quantities, "QUANTITIES", (row, *quantities.QUANTITIES))
    monkeypatch.setattr(registry, "METRICS", registry.metrics_of(quantities.QUANTITIES))
    settings = {"samples": 60, "bins": 5}
    found = compute("my_mig", codes, factor="shape", seed=0, settings=settings)
    assert found == compute("mig", codes, factor="shape", seed=0, settings=settings)
    quantities.quantity.cache_clear()
    assert quantities.quantity("scores/sampled/my_mig").short == "mine (sampled)"
    quantities.quantity.cache_clear()


@pytest.mark.parametrize("function", ["nowhere.mig", "mig.nothing", "mig"])
def test_a_row_that_names_no_function_is_refused_in_one_line(function: str):
    with pytest.raises(UsageError, match=f"the row of mine names '{function}', which is not"):
        _function("mine", Score(function))
