from __future__ import annotations

import numpy as np
import pytest

from runner.metric.importance import completenesses, disentanglements, weighted


def test_a_permutation_is_fully_disentangled_and_complete():
    importance = np.eye(4)[[2, 0, 3, 1]] * 7
    np.testing.assert_allclose(disentanglements(importance), 1, atol=1e-8)
    np.testing.assert_allclose(completenesses(importance), 1, atol=1e-8)


def test_even_importances_and_none_score_zero():
    importance = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(disentanglements(importance), 0, atol=1e-8)


def test_half_of_the_entropy_is_half_the_score():
    """Two of four factors have equal importance, and log 2 is half of log 4."""
    importance = np.array([[0.5, 0.5, 0.0, 0.0]])
    np.testing.assert_allclose(disentanglements(importance), 0.5, atol=1e-8)
    np.testing.assert_allclose(completenesses(importance.T), 0.5, atol=1e-8)


def test_a_single_share_has_no_entropy():
    np.testing.assert_array_equal(disentanglements(np.array([[0.3], [0.0]])), 1)


def test_scores_weigh_by_share_of_importance():
    importance = np.array([[3.0, 0.0], [0.5, 0.5], [0.0, 0.0]])
    assert weighted(np.array([1.0, 0.0, 9.0]), importance) == pytest.approx(0.75)
    assert weighted(np.array([1.0, 0.0, 2.0]), 0 * importance) == pytest.approx(1.0)
