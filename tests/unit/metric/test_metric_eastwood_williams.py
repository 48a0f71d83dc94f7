from __future__ import annotations

import numpy as np
import oracles_learned as oracle
import pytest
import synthetic_codes as synthetic

from runner.metric.codes import Codes, stream
from runner.metric.eastwood_williams import eastwood_williams

SIZES = {"train": 300, "test": 150}


def scores_of(codes: Codes, seed: int = 0, **sizes: int) -> list[float]:
    scores = eastwood_williams(codes, **(SIZES | sizes), seed=seed)
    names = ("disentanglement", "completeness", "informativeness")
    assert list(scores) == [f"eastwood_williams/{name}" for name in names]
    return list(scores.values())


def test_ideal_codes_are_disentangled_complete_and_without_error():
    factors = synthetic.grid(3, 4, 5)
    codes = Codes.of(factors[:, [2, 0, 1]] * [-3, 0.5, 2], factors, complete=True)
    disentanglement, completeness, error = scores_of(codes)
    assert disentanglement > 0.95
    assert completeness > 0.95
    assert error < 0.02


def test_values_with_gaps_are_predicted_as_they_are_given():
    factors = np.array([0, 1, 2, 30])[synthetic.grid(4, 4)]
    assert scores_of(Codes.of(factors, factors, complete=True))[2] < 0.02


def test_a_rotation_has_no_error_but_is_not_disentangled():
    factors = synthetic.grid(5, 5)
    codes = Codes.of(factors @ [[1, 1], [1, -1]], factors, complete=True)
    disentanglement, completeness, error = scores_of(codes)
    assert disentanglement < 0.05
    assert completeness < 0.05
    assert error < 0.02


def test_noise_is_no_better_than_predicting_the_mean():
    assert scores_of(synthetic.noise(3, 4, 5, copies=10))[2] == pytest.approx(1, abs=0.1)


def test_it_is_the_definition():
    codes = synthetic.mixed(3, 4, 5, noise=1.0)
    train, test = codes.split(300, 150, stream(2, "eastwood_williams"))
    plain = oracle.eastwood_williams(train, test)
    np.testing.assert_allclose(scores_of(codes, seed=2), plain, rtol=1e-9)


def test_constant_codes_have_no_importances():
    disentanglement, completeness, error = scores_of(synthetic.constant(3, 4, complete=True))
    assert disentanglement == pytest.approx(0, abs=1e-8)
    assert completeness == pytest.approx(0, abs=1e-8)
    assert error == pytest.approx(1, abs=0.05)


def test_a_constant_dimension_changes_little():
    factors = synthetic.grid(3, 4, 5)
    with_constant = np.concatenate([factors, np.full((len(factors), 1), 0.1)], axis=1)
    assert scores_of(Codes.of(with_constant, factors, complete=True))[0] > 0.95


def test_a_discrete_variable_is_one_row():
    assert scores_of(synthetic.one_hot(3, 4, complete=True))[1] > 0.95


@pytest.mark.parametrize("train", [1, 2, 3, 7])
def test_few_images_give_finite_scores(train: int):
    for seed in range(4):
        assert np.isfinite(scores_of(synthetic.mixed(3, 2), seed, train=train, test=3)).all()


def test_a_factor_with_one_test_value_has_the_error_zero_or_one():
    factors = np.stack([np.arange(60) % 3, np.zeros(60)], axis=1)
    factors[0, 1] = 1
    errors = [scores_of(Codes.of(factors * 1.5, factors), seed)[2] for seed in range(4)]
    assert np.isfinite(errors).all()


def test_the_number_of_workers_does_not_matter(monkeypatch: pytest.MonkeyPatch):
    found = []
    for workers in ("1", "8"):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", workers)
        found.append(scores_of(synthetic.mixed(3, 4)))
    assert found[0] == found[1]
