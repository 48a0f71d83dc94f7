"""Checks of codes and factors, and the samples drawn from them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from runner.errors import UsageError
from runner.metric import Codes, Variable, stream

GRID = np.array(list(product(range(3), range(4), range(2))))


def grid(repeat: int = 1, *, complete: bool = False) -> Codes:
    factors = np.tile(GRID, (repeat, 1))
    numbers = np.arange(len(factors), dtype=float)
    return Codes.of(np.stack([numbers, -numbers], axis=1), factors, complete=complete)


def test_factors_are_numbered_from_zero_and_constant_ones_are_left_out():
    codes = Codes.of(
        [[0.0], [1.0], [2.0]],
        np.array([[7, 5.0, -2], [7, 9.0, -1], [7, 5.0, -2]]),
        factor_names=["same", "size", "side"],
    )
    assert codes.factor_names == ("size", "side")
    assert codes.factors_NF.tolist() == [[0, 0], [1, 1], [0, 0]]
    assert [v.name for v in codes.variables] == ["z_0"]


def test_lists_are_single_columns():
    codes = Codes.of([0.5, 1.5], [True, False])
    assert codes.codes_ND.shape == codes.factors_NF.shape == (2, 1)


@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        ([[1.0], [2.0]], [[1]], "2 codes but factors of 1 images"),
        ([[1.0]], [[1]], "at least two images are needed, got 1"),
        ([[1.0], [np.nan]], [[1], [2]], "finite numbers, got nan in row 1"),
        ([[np.inf], [1.0]], [[1], [2]], "finite numbers, got inf in row 0"),
        ([[1.0], [2.0]], [[1], [1]], "no factor varies"),
        (
            [[1.0], [2.0]],
            [[1.5], [1]],
            "factor 'factor_0' has 2 different values, not all whole numbers",
        ),
        ([[1.0], [2.0]], [["a"], ["b"]], "factors must be numbers, got the type <U1"),
        ([[[1.0]], [[2.0]]], [[1], [2]], r"codes must be a table, .* got the shape \(2, 1, 1\)"),
        (np.zeros((2, 0)), [[1], [2]], "codes must be a table"),
    ],
)
def test_invalid_arrays_are_refused_in_one_line(codes: Any, factors: Any, message: str):
    with pytest.raises(UsageError, match=message) as error:
        Codes.of(codes, factors)
    assert "\n" not in error.value.message


def test_there_are_as_many_names_as_factors():
    with pytest.raises(UsageError, match="2 factors but 1 names"):
        Codes.of([[1.0], [2.0]], [[1, 0], [2, 1]], factor_names=["one"])


def test_samples_are_without_replacement_except_from_a_grid():
    sample = grid(4).sample(50, stream(0, "x"))
    assert len(sample) == 50 == len(np.unique(sample.codes_MD[:, 0]))
    assert len(grid(1).sample(50, stream(0, "x"))) == 24
    drawn = grid(complete=True).sample(50, stream(0, "x"))
    assert len(drawn) == 50 > len(np.unique(drawn.codes_MD[:, 0]))


def test_test_images_are_not_training_images():
    codes = grid(10)
    train, test = codes.split(100, 50, stream(1, "x"))
    assert (len(train), len(test)) == (100, 50)
    assert not set(train.codes_MD[:, 0]) & set(test.codes_MD[:, 0])
    train, test = codes.split(1000, 500, stream(1, "x"))
    assert (len(train), len(test)) == (160, 80)
    train, test = grid(complete=True).split(1000, 500, stream(1, "x"))
    assert (len(train), len(test)) == (1000, 500)


def test_rows_keep_codes_and_factors_together():
    codes = grid(3)
    sample = codes.sample(30, stream(2, "x"))
    rows = sample.codes_MD[:, 0].astype(int)
    assert (codes.factors_NF[rows] == sample.factors_MF).all()


@pytest.mark.parametrize("factor", range(3))
def test_partners_share_a_factor_and_nothing_else(factor: int):
    codes = grid(complete=True)
    rows = codes.draw_rows(20_000, stream(3, "rows"))
    partners = codes.partners(rows, factor, stream(3, "partners"))
    a, b = codes.factors_NF[rows], codes.factors_NF[partners]
    assert (a[:, factor] == b[:, factor]).all()
    for other, size in enumerate(GRID.max(0) + 1):
        if other != factor:
            assert (a[:, other] == b[:, other]).mean() == pytest.approx(1 / size, abs=0.02)
    # Uniform over the rows with the same value, including the row itself.
    counts = np.bincount(partners[rows == rows[0]], minlength=len(GRID))
    same = codes.factors_NF[:, factor] == codes.factors_NF[rows[0], factor]
    assert (counts[same] > 0).all()
    assert counts[~same].sum() == 0


def test_a_stream_depends_on_seed_and_purpose_alone():
    first = stream(0, "mig").random(3)
    assert (stream(0, "mig").random(3) == first).all()
    assert not (stream(1, "mig").random(3) == first).any()
    assert not (stream(0, "dci").random(3) == first).any()


def test_a_variable_of_several_columns_is_discrete():
    variables = [Variable("category", slice(0, 3)), Variable("z_0", slice(3, 4))]
    codes = Codes.of(np.eye(4), [0, 1, 2, 3], variables=variables)
    assert [v.is_discrete for v in codes.variables] == [True, False]
    assert codes.continuous_D.tolist() == [3]


def test_two_factors_of_one_name_are_refused():
    with pytest.raises(UsageError, match="two factors are named 'x'"):
        Codes.of([[0.0], [1.0]], [[0, 1, 0], [1, 0, 1]], factor_names=["x", "y", "x"])
