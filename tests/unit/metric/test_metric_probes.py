from __future__ import annotations

import numpy as np
import pytest
import synthetic_codes as synthetic
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from runner.errors import UsageError
from runner.metric.codes import Codes, stream
from runner.metric.probes import linear_probe, neighbour_probe

SIZES = {"train": 150, "test": 80}


def rings() -> Codes:
    """Return two classes that no line separates: a ring, and another around it."""
    source = np.random.default_rng(0)
    ring = np.arange(300) % 2
    angle = source.uniform(0, 2 * np.pi, 300)
    radius = 1 + 3 * ring + 0.2 * source.normal(size=300)
    return Codes.of(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), ring)


def test_both_probes_are_exact_on_ideal_codes():
    codes = synthetic.ideal(3, 4, complete=True)
    for factor in codes.factor_names:
        linear = linear_probe(codes, **SIZES, seed=0, factor=factor)
        assert linear == {"linear_probe": 1.0, "linear_probe/train": 1.0}
        near = neighbour_probe(codes, **SIZES, neighbours=3, seed=0, factor=factor)
        assert near == {"neighbour_probe": 1.0}


def test_neighbours_separate_rings_and_a_line_does_not():
    linear = linear_probe(rings(), **SIZES, seed=0, factor="factor_0")
    near = neighbour_probe(rings(), **SIZES, neighbours=5, seed=0, factor="factor_0")
    assert linear["linear_probe"] < 0.75
    assert near["neighbour_probe"] == 1.0


def test_the_linear_probe_is_the_definition():
    codes = synthetic.mixed(3, 4, noise=2.0)
    train, test = codes.split(150, 80, stream(1, "linear_probe"))
    scaler = StandardScaler().fit(train.codes_MD)
    model = LogisticRegression(max_iter=1000)
    model.fit(scaler.transform(train.codes_MD), train.factors_MF[:, 1])
    plain = model.score(scaler.transform(test.codes_MD), test.factors_MF[:, 1])
    ours = linear_probe(codes, **SIZES, seed=1, factor="factor_1")
    assert ours["linear_probe"] == pytest.approx(plain)
    assert plain < 1


def test_the_neighbour_probe_is_the_definition():
    codes = synthetic.mixed(3, 4, noise=2.0)
    train, test = codes.split(150, 80, stream(1, "neighbour_probe"))
    right = 0
    for code, value in zip(test.codes_MD, test.factors_MF[:, 1], strict=True):
        nearest = np.argmin(((train.codes_MD - code) ** 2).sum(1))
        right += train.factors_MF[nearest, 1] == value
    ours = neighbour_probe(codes, **SIZES, neighbours=1, seed=1, factor="factor_1")
    assert ours["neighbour_probe"] == pytest.approx(right / 80)


def test_constant_codes_have_chance_accuracy():
    codes = synthetic.constant(2, 2, complete=True)
    linear = linear_probe(codes, **SIZES, seed=0, factor="factor_0")
    near = neighbour_probe(codes, **SIZES, neighbours=5, seed=0, factor="factor_0")
    assert linear["linear_probe"] == pytest.approx(0.5, abs=0.15)
    assert near["neighbour_probe"] == pytest.approx(0.5, abs=0.15)


def test_fewer_images_than_neighbours_or_classes_are_enough():
    codes = Codes.of(np.arange(12.0), np.arange(12))
    near = neighbour_probe(codes, train=3, test=4, neighbours=5, seed=0, factor="factor_0")
    linear = linear_probe(codes, train=1, test=4, seed=0, factor="factor_0")
    assert near == {"neighbour_probe": 0.0}  # no class is in both parts
    assert linear == {"linear_probe": 0.0, "linear_probe/train": 1.0}


def test_an_unknown_factor_is_refused():
    with pytest.raises(UsageError, match="no factor 'label'"):
        linear_probe(synthetic.ideal(3, 4, complete=True), **SIZES, seed=0, factor="label")
    with pytest.raises(UsageError, match="no factor 'label'"):
        neighbour_probe(
            synthetic.ideal(3, 4, complete=True), **SIZES, neighbours=1, seed=0, factor="label"
        )
