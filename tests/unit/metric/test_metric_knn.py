"""The nearest neighbours' accuracy from each group: its definition, known values, chance."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic_codes as synthetic
from sklearn.neighbors import KNeighborsClassifier

from runner.metric import Codes, stream
from runner.metric.knn import knn

SIZES = {"train": 400, "test": 200, "seed": 0}


def two_groups(images: int = 600) -> Codes:
    """Return a factor of four values in the radius of two variables, and two of noise."""
    source = np.random.default_rng(0)
    factor, angle = source.integers(4, size=images), source.uniform(0, 2 * np.pi, images)
    radius = 1 + factor + 0.05 * source.normal(size=images)
    rest = source.normal(size=(images, 2))
    codes = np.column_stack([radius * np.cos(angle), rest, radius * np.sin(angle)])
    groups = {"pose": ["z_0", "z_3"], "noise": ["z_1", "z_2"]}
    return Codes.of(codes, factor, factor_names=["size"], groups=groups)


def test_a_group_has_what_its_variables_have_only_together():
    found = knn(two_groups(), **SIZES, neighbours=5)
    assert list(found) == ["knn/size/pose", "knn/size/noise"]
    assert found["knn/size/pose"] > 0.98
    assert found["knn/size/noise"] == pytest.approx(0.25, abs=0.1)
    alone = Codes.of(two_groups().codes_ND, two_groups().factors_NF, factor_names=["size"])
    single = knn(alone, **SIZES, neighbours=5)
    assert max(single.values()) < 0.7


@pytest.mark.parametrize("dimensions", [2, 7])  # found in a tree, and in a table of distances
def test_it_is_the_definition_for_every_factor(dimensions: int):
    codes = synthetic.random(seed=1, dimensions=dimensions, images=300)
    train, test = codes.disjoint(200, 100, stream(3, "knn"))
    whole = Codes.of(
        codes.codes_ND, codes.factors_NF, groups={"all": [v.name for v in codes.variables]}
    )
    found = knn(whole, train=200, test=100, neighbours=7, seed=3)
    for f, name in enumerate(codes.factor_names):
        plain = KNeighborsClassifier(7).fit(train.codes_MD, train.factors_MF[:, f])
        expected = plain.score(test.codes_MD, test.factors_MF[:, f])
        assert found[f"knn/{name}/all"] == pytest.approx(expected)
        assert expected < 1


def test_a_rotation_within_a_group_changes_nothing():
    codes = two_groups()
    turn = np.eye(4)
    turn[np.ix_([0, 3], [0, 3])] = [[0.6, -0.8], [0.8, 0.6]]
    groups = {group.name: [v.name for v in group.variables] for group in codes.groups}
    turned = Codes.of(codes.codes_ND @ turn, codes.factors_NF, factor_names=["size"], groups=groups)
    assert knn(turned, **SIZES, neighbours=5) == knn(codes, **SIZES, neighbours=5)


def test_no_image_of_a_full_grid_is_its_own_neighbour():
    """Each image has a code of its own that says nothing about another: no better than chance."""
    factors_NF = synthetic.grid(4, 50)
    codes_N = np.random.default_rng(0).permutation(200).astype(float)
    codes = Codes.of(codes_N, factors_NF, complete=True)
    found = knn(codes, train=150, test=66, neighbours=1, seed=0)
    assert found["knn/factor_0/z_0"] < 0.45


def test_constant_codes_and_few_images():
    found = knn(synthetic.constant(2, 2, complete=True), train=3, test=1, neighbours=10, seed=0)
    assert set(found.values()) <= {0.0, 1.0}
    codes = Codes.of(np.arange(12.0), np.arange(12))
    assert knn(codes, train=3, test=4, neighbours=5, seed=0) == {"knn/factor_0/z_0": 0.0}
