from __future__ import annotations

import numpy as np
import oracles_learned as oracle
import pytest
import synthetic_codes as synthetic
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.metric.clustering import clustering, purity
from runner.metric.codes import Codes


def blobs(classes: int) -> Codes:
    """Return a well-separated cluster of codes for each class."""
    source = np.random.default_rng(0)
    labels = np.arange(200) % classes
    centres = 20 * source.normal(size=(classes, 3))
    return Codes.of(centres[labels] + 0.1 * source.normal(size=(200, 3)), labels)


def test_separate_clouds_are_found():
    scores = clustering(blobs(5), samples=200, seed=0, factor="factor_0")
    assert scores == {"clustering/purity": 1.0, "clustering/nmi": pytest.approx(1.0)}


def test_noise_is_as_pure_as_chance_allows():
    scores = clustering(synthetic.noise(3, 4, copies=10), samples=120, seed=0, factor="factor_0")
    assert scores["clustering/purity"] < 0.5
    assert scores["clustering/nmi"] < 0.1


def test_equal_codes_are_one_cluster():
    scores = clustering(
        synthetic.constant(2, 4, complete=True), samples=80, seed=0, factor="factor_1"
    )
    assert scores["clustering/nmi"] == 0
    assert scores["clustering/purity"] == pytest.approx(0.25, abs=0.15)


def test_fewer_images_than_classes_are_a_cluster_each():
    codes = Codes.of(np.arange(50.0), np.arange(50))
    scores = clustering(codes, samples=7, seed=0, factor="factor_0")
    assert scores["clustering/purity"] == 1


def test_an_unknown_factor_is_refused():
    with pytest.raises(UsageError, match="no factor 'label'"):
        clustering(synthetic.ideal(3, 4, complete=True), samples=9, seed=0, factor="label")


def test_the_same_seed_gives_the_same_clusters():
    codes = synthetic.mixed(3, 4, noise=2.0)
    first = clustering(codes, samples=60, seed=0, factor="factor_1")
    assert clustering(codes, samples=60, seed=0, factor="factor_1") == first


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 4)), min_size=1, max_size=30))
def test_purity_is_the_definition(pairs: list[tuple[int, int]]):
    assignment, classes = zip(*pairs, strict=True)
    assert purity(assignment, classes) == pytest.approx(oracle.purity(assignment, classes))


@pytest.mark.parametrize(
    ("clusters", "classes", "expected"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),
        ([0, 0, 0, 0], [0, 0, 0, 1], 0.75),
        ([0, 1, 2, 3], [0, 0, 0, 0], 1.0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0.5),
    ],
)
def test_purity_of_small_tables(clusters: list[int], classes: list[int], expected: float):
    assert purity(clusters, classes) == pytest.approx(expected)
