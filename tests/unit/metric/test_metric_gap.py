"""The gap between a factor's best variable and its second best."""

from __future__ import annotations

import numpy as np

from runner.metric.gap import gaps


def test_gap_is_the_largest_score_less_the_second():
    scores_VF = np.array([[0.1, 0.5], [0.9, 0.5], [0.4, 0.2]])
    np.testing.assert_allclose(gaps(scores_VF), [0.5, 0.0])


def test_the_gap_of_a_single_variable_is_its_score():
    assert gaps(np.array([[0.3, 0.7]])).tolist() == [0.3, 0.7]
