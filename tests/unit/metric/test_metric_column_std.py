"""Standard deviations that are exactly zero where a dimension is constant."""

from __future__ import annotations

import numpy as np
import pytest

from runner.metric.column_std import column_std


@pytest.mark.parametrize("ddof", [0, 1])
def test_it_is_the_standard_deviation(ddof):
    codes_MD = np.random.default_rng(0).normal(3, [0.1, 1, 50], size=(40, 3))
    np.testing.assert_allclose(column_std(codes_MD, ddof=ddof), codes_MD.std(0, ddof=ddof))


def test_constant_dimensions_have_none_though_their_mean_is_rounded():
    codes_MD = np.full((10_001, 2), 0.1)
    assert codes_MD.std() > 0
    assert column_std(codes_MD, ddof=1).tolist() == [0.0, 0.0]


def test_a_single_image_has_none():
    assert column_std(np.array([[1.0, 2.0]]), ddof=1).tolist() == [0.0, 0.0]
