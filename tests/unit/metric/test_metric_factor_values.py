"""Values of factors: numbered as they are, or cut into bins when they are measured."""

from __future__ import annotations

import numpy as np
import pytest

from runner.errors import UsageError
from runner.metric import Codes
from runner.metric.factor_values import numbered


def test_whole_numbers_keep_their_values():
    numbers_N, values_S = numbered("size", np.array([7, 0, 100, 7]), None)
    assert numbers_N.tolist() == [1, 0, 2, 1]
    assert values_S.tolist() == [0, 7, 100]


def test_measured_values_are_cut_into_bins_of_equally_many_images():
    column_N = np.random.default_rng(0).exponential(size=1000)
    numbers_N, values_S = numbered("mass", column_N, 8)
    assert np.bincount(numbers_N).tolist() == [125] * 8
    assert values_S == pytest.approx([column_N[numbers_N == s].mean() for s in range(8)])
    assert (np.diff(column_N[np.argsort(numbers_N, kind="stable")][124::125]) > 0).any()
    lowest = [column_N[numbers_N == s].min() for s in range(8)]
    highest = [column_N[numbers_N == s].max() for s in range(8)]
    assert all(high < low for high, low in zip(highest[:-1], lowest[1:], strict=True))


def test_few_fractions_are_not_cut():
    numbers_N, values_S = numbered("scale", np.array([0.5, 1.0, 0.6, 0.5]), 3)
    assert numbers_N.tolist() == [0, 2, 1, 0]
    assert values_S.tolist() == [0.5, 0.6, 1.0]


def test_values_that_are_mostly_equal_fill_fewer_bins():
    numbers_N, _ = numbered("depth", np.array([0.0] * 90 + [0.1 * i for i in range(1, 11)]), 5)
    assert set(numbers_N.tolist()) == {0, 1} or len(set(numbers_N.tolist())) <= 5
    assert numbers_N[:90].tolist() == [0] * 90


def test_measured_values_are_refused_with_a_word_on_how_to_cut_them():
    with pytest.raises(UsageError, match="'mass' has 3 different values") as error:
        Codes.of(np.arange(3.0), [0.1, 0.2, 0.3], factor_names=["mass"])
    assert "metrics.factor_bins=20" in str(error.value.hint)
    with pytest.raises(UsageError, match="'mass' has a value that is not a finite number"):
        numbered("mass", np.array([0.1, np.nan]), 3)


def test_codes_of_measured_factors():
    mass = np.random.default_rng(1).normal(size=60)
    codes = Codes.of(mass, np.column_stack([mass, np.arange(60) % 2]), factor_bins=6)
    assert codes.factors_NF.max(0).tolist() == [5, 1]
    means = [mass[codes.factors_NF[:, 0] == s].mean() for s in range(6)]
    assert codes.factor_values[0] == pytest.approx(means)
    assert codes.factor_values[1].tolist() == [0, 1]


def test_whole_numbers_are_not_cut_and_a_line_says_so(capsys: pytest.CaptureFixture[str]):
    numbers_N, values_S = numbered("angle", np.arange(360), 20)
    assert (len(values_S), numbers_N.max()) == (360, 359)
    said = capsys.readouterr().err
    assert said == "factor 'angle' keeps its 360 values: whole numbers are not cut into bins\n"
    assert len(numbered("angle", np.arange(360) / 10, 20)[1]) == 20
    numbered("position", np.arange(20), 20)
    assert capsys.readouterr().err == ""
