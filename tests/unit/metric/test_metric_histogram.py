"""Bins and mutual information, against NumPy and scikit-learn, and their theoretical properties."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runner.errors import UsageError
from runner.metric import Variable
from runner.metric.histogram import (
    bin_values,
    discretise,
    entropies,
    mutual_information,
    varying_factors,
)

NUMBERS = arrays(
    np.float64, st.integers(1, 40), elements=st.floats(-1e100, 1e100, allow_subnormal=True)
)


@given(NUMBERS, st.integers(1, 25))
def test_bins_are_those_of_numpy_wherever_it_has_any(values_M, bins):
    found_M = bin_values(values_M, bins)
    assert found_M.min() >= 0
    assert found_M.max() <= bins - 1
    try:
        edges = np.histogram(values_M, bins)[1]
    except ValueError:
        return  # NumPy refuses numbers so close to each other
    if np.ptp(values_M) > 0:
        assert (found_M == np.digitize(values_M, edges[:-1]) - 1).all()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e300, 1e17, 5e-324])
def test_equal_numbers_share_a_bin(value):
    assert len(set(bin_values(np.full(7, value), 20))) == 1


def test_as_many_whole_numbers_as_bins_have_a_bin_each():
    for count in range(1, 21):
        assert bin_values(np.arange(count), 20).tolist() == sorted(
            set(bin_values(np.arange(count), 20))
        )
    assert len(set(bin_values(np.arange(40), 20))) == 20


def test_a_discrete_variable_is_in_the_bin_of_its_largest_column():
    codes_MD = np.array([[0.1, 0.7, 0.2, 0.0], [0.5, 0.2, 0.3, 1.0], [0.0, 0.1, 0.9, 4.0]])
    variables = [Variable("class", slice(0, 3)), Variable("z", slice(3, 4))]
    assert discretise(codes_MD, variables, 4).tolist() == [[1, 0], [0, 1], [2, 3]]


@pytest.mark.parametrize("seed", range(5))
def test_information_is_that_of_scikit_learn(seed):
    source = np.random.default_rng(seed)
    first_MA = source.integers([1, 2, 5, 20], size=(300, 4))
    second_MB = np.stack([first_MA[:, 2] // 2, source.integers(30, size=300)], axis=1)
    expected_AB = oracle.information(first_MA, second_MB)
    np.testing.assert_allclose(mutual_information(first_MA, second_MB), expected_AB, atol=1e-13)
    np.testing.assert_allclose(
        entropies(first_MA), oracle.information(first_MA, first_MA).diagonal(), atol=1e-13
    )


@given(arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 5)))
def test_information_is_symmetric_and_between_zero_and_the_entropies(values_M2):
    information_22 = mutual_information(values_M2, values_M2)
    entropy_2 = entropies(values_M2)
    np.testing.assert_allclose(information_22, information_22.T, atol=1e-12)
    np.testing.assert_allclose(information_22.diagonal(), entropy_2, atol=1e-12)
    assert (information_22 >= 0).all()
    assert information_22[0, 1] <= entropy_2.min() + 1e-12


def test_independent_columns_have_no_information_at_all_and_equal_ones_their_entropy():
    x, y = np.divmod(np.arange(12), 4)
    information_12 = mutual_information(x[:, None], np.stack([y, x], axis=1))
    assert information_12[0, 0] == 0.0
    assert information_12[0, 1] == pytest.approx(np.log(3))


def test_constant_factors_are_left_out():
    factors_MF = np.array([[0, 3, 1], [1, 3, 1], [0, 3, 2]])
    assert varying_factors(factors_MF).tolist() == [0, 2]
    with pytest.raises(UsageError, match=r"no factor varies among the images drawn.* 1$"):
        varying_factors(factors_MF[:1])
