"""The two-dimensional map of codes: it keeps neighbours, and is defined for any codes."""

from __future__ import annotations

import numpy as np
import pytest

from runner.evaluation.latent_map import latent_map


def blobs(count: int, columns: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of well-separated classes, and the classes."""
    source = np.random.default_rng(0)
    centres = 3 * source.normal(size=(classes, columns))
    labels = np.arange(count) % classes
    return centres[labels] + 0.3 * source.normal(size=(count, columns)), labels


def share_of_neighbours(points: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of points whose nearest neighbour is of their class."""
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(1)] == labels).mean())


def test_neighbours_in_the_codes_are_neighbours_on_the_map():
    codes, labels = blobs(150, 6)
    points = latent_map(codes, seed=0)
    assert points.shape == (150, 2)
    assert share_of_neighbours(points, labels) == 1


def test_the_map_is_the_same_for_the_same_seed():
    codes, _ = blobs(80, 5)
    np.testing.assert_array_equal(latent_map(codes, seed=3), latent_map(codes, seed=3))


def test_collapsed_columns_and_the_scale_of_others_do_not_matter():
    codes, _ = blobs(60, 4)
    noise = 0.01 * np.random.default_rng(1).normal(size=(60, 2))
    constant = np.ones((60, 1))
    more = np.concatenate([codes * [1, 2, 4, 8], noise, constant], axis=1)
    np.testing.assert_allclose(latent_map(more, seed=0), latent_map(codes, seed=0), atol=1e-2)


@pytest.mark.parametrize("columns", [1, 2])
def test_up_to_two_columns_are_the_map(columns: int):
    codes, _ = blobs(20, columns)
    points = latent_map(np.concatenate([np.zeros((20, 1)), codes], axis=1), seed=0)
    np.testing.assert_allclose(points[:, :columns], codes, rtol=1e-6)
    assert (points[:, columns:] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 10])
def test_few_codes_have_a_map(count: int):
    codes, _ = blobs(count, 6)
    points = latent_map(codes.astype(np.float32), seed=0)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize(
    "codes",
    [np.ones((50, 5)), np.repeat(np.eye(3, 6), 40, axis=0), np.eye(10)[np.arange(200) % 10]],
    ids=["identical", "three different ones", "categories only"],
)
def test_repeated_codes_have_a_map(codes: np.ndarray):
    points = latent_map(codes, seed=0)
    assert points.shape == (len(codes), 2)
    assert np.isfinite(points).all()
