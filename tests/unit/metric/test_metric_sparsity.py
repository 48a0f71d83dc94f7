"""Hoyer sparsity: its definition, its extreme values, and constant dimensions."""

from __future__ import annotations

import numpy as np
import oracles_histogram as oracle
import pytest
import synthetic_codes as synthetic
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runner.errors import UsageError
from runner.metric import Codes, Variable, stream
from runner.metric.sparsity import hoyer, hoyer_sparsity

TABLES = arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(2, 5)), elements=st.floats(-1e6, 1e6)
)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed):
    codes = synthetic.random(seed=seed)
    drawn = codes.sample(100, stream(seed, "hoyer_sparsity"))
    found = hoyer_sparsity(codes, samples=100, seed=seed)
    assert found == {"hoyer_sparsity": pytest.approx(oracle.hoyer(drawn.codes_MD), abs=1e-12)}


def test_equal_and_one_hot_codes_score_zero_and_one():
    one_at_a_time = np.vstack([np.eye(4), -np.eye(4)]) * [1.0, 20.0, 0.3, 5.0]
    assert hoyer(one_at_a_time) == pytest.approx(1.0)
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * [3.0, 0.01]
    assert hoyer(signs) == pytest.approx(0.0, abs=1e-12)


def test_codes_may_be_as_small_as_numbers_are():
    small_MD = np.array([[2.2e-95, 2.6e-257], [2.6e-257, 2.6e-257]])
    assert 0 <= hoyer(small_MD) <= 1


@given(TABLES)
def test_it_is_between_zero_and_one(codes_MD):
    assert -1e-9 <= hoyer(codes_MD) <= 1 + 1e-9


def test_scales_and_order_do_not_matter():
    codes_MD = synthetic.random(seed=0).codes_ND
    turned_MD = codes_MD[:, ::-1] * [-1.0, 1e-5, 30.0, 1e5]
    assert hoyer(turned_MD) == pytest.approx(hoyer(codes_MD))


def test_a_constant_dimension_counts_as_zero():
    codes = synthetic.random(seed=1, dimensions=2)
    sparsity = hoyer(synthetic.with_constant(codes, 3.0).codes_ND)
    assert sparsity == pytest.approx(hoyer(synthetic.with_constant(codes, 0.0).codes_ND))
    assert sparsity > hoyer(codes.codes_ND)
    assert hoyer(synthetic.constant(3, 4).codes_ND) == 0.0
    assert hoyer(np.array([[1.0, 2.0]])) == 0.0  # a single image has no variance


def test_it_needs_two_continuous_dimensions():
    with pytest.raises(ValueError, match="two dimensions"):
        hoyer(np.ones((3, 1)))
    with pytest.raises(UsageError, match="two continuous"):
        hoyer_sparsity(synthetic.one_hot(3, 4), samples=10, seed=0)


def test_discrete_variables_are_left_out():
    codes = synthetic.random(seed=1, dimensions=2)
    class_NS = np.eye(3)[codes.factors_NF[:, 0]]
    variables = [
        Variable("class", slice(0, 3)),
        *(Variable(f"z_{d}", slice(3 + d, 4 + d)) for d in range(2)),
    ]
    both = Codes.of(np.hstack([class_NS, codes.codes_ND]), codes.factors_NF, variables=variables)
    settings = {"samples": 100, "seed": 0}
    assert hoyer_sparsity(both, **settings) == hoyer_sparsity(codes, **settings)


def test_the_seed_decides_the_draw():
    codes = synthetic.random(seed=2)
    assert hoyer_sparsity(codes, samples=50, seed=1) == hoyer_sparsity(codes, samples=50, seed=1)
    assert hoyer_sparsity(codes, samples=50, seed=1) != hoyer_sparsity(codes, samples=50, seed=2)
