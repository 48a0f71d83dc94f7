from __future__ import annotations

import gc
import weakref

import numpy as np
import oracles_learned as oracle
import pytest
import sklearn.ensemble
import synthetic_codes as synthetic

from runner.errors import UsageError
from runner.metric import dci as module
from runner.metric.codes import Codes, stream
from runner.metric.dci import dci, dci_lightgbm
from runner.metric.downstream import downstream_boosted

FEW = {"train": 120, "test": 60}


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the number of training images of each fitted ensemble; ensembles have three stages."""
    seen: list[int] = []

    class Counted(sklearn.ensemble.GradientBoostingClassifier):
        def __init__(self, random_state=None):
            super().__init__(n_estimators=3, random_state=random_state)

        def fit(self, X, y):
            seen.append(len(X))
            return super().fit(X, y)

    monkeypatch.setattr(sklearn.ensemble, "GradientBoostingClassifier", Counted)
    return seen


def test_ideal_codes_score_one():
    scores = dci(synthetic.ideal(3, 4, complete=True), **FEW, seed=0)
    assert scores["dci/informativeness"] == 1
    assert scores["dci/disentanglement"] > 0.99
    assert scores["dci/completeness"] > 0.99


def test_a_rotation_is_informative_but_not_disentangled():
    factors = synthetic.grid(4, 4)
    codes = Codes.of(factors @ [[1, 1], [1, -1]], factors, complete=True)
    scores = dci(codes, **FEW, seed=0)
    assert scores["dci/informativeness"] > 0.9
    assert scores["dci/disentanglement"] < 0.2
    assert scores["dci/completeness"] < 0.2


def test_it_is_the_definition():
    codes = synthetic.mixed(3, 4, 2)
    source = stream(5, "trees/120")
    train, test = codes.split(120, 60, source)
    seeds = [int(source.integers(2**31)) for _ in range(3)]
    scores = dci(codes, **FEW, seed=5)
    names = ("disentanglement", "completeness", "informativeness")
    ours = [scores[f"dci/{name}"] for name in names]
    np.testing.assert_allclose(ours, oracle.dci(train, test, seeds), rtol=1e-12)


def test_informativeness_is_given_for_each_factor():
    scores = dci(synthetic.mixed(3, 2), **FEW, seed=0)
    each = [scores[f"dci/informativeness/factor_{i}"] for i in range(2)]
    assert scores["dci/informativeness"] == pytest.approx(np.mean(each))


def test_constant_codes_have_zero_scores_and_chance_accuracy(fits: list[int]):
    scores = dci(synthetic.constant(2, 3, complete=True), **FEW, seed=0)
    assert scores["dci/disentanglement"] == pytest.approx(0, abs=1e-8)
    assert scores["dci/completeness"] == pytest.approx(0, abs=1e-8)
    assert scores["dci/informativeness"] == pytest.approx((1 / 2 + 1 / 3) / 2, abs=0.2)


def test_a_discrete_variable_is_one_row(fits: list[int]):
    """Three columns predict the first factor together; as separate rows they are not complete."""
    scores = dci(synthetic.one_hot(3, 4, complete=True), **FEW, seed=0)
    assert scores["dci/completeness"] > 0.99
    assert scores["dci/disentanglement"] > 0.99


def test_a_factor_with_one_training_value_is_predicted_as_constant():
    """One image of 99 has the second value, so the training or the test images lack it."""
    factors = np.stack([np.arange(99) % 3, np.zeros(99)], axis=1)
    factors[0, 1] = 1
    codes = Codes.of(factors[:, :1] + [0, 0.5], factors)
    for seed in range(3):
        scores = dci(codes, train=30, test=30, seed=seed)
        assert all(np.isfinite(value) for value in scores.values())
        assert scores["dci/informativeness/factor_1"] > 0.95


def test_a_single_factor_or_variable_scores_one():
    assert dci(synthetic.noise(3, copies=10), train=20, test=9, seed=0)["dci/disentanglement"] == 1
    one = Codes.of(synthetic.grid(3, 2)[:, 0], synthetic.grid(3, 2), complete=True)
    assert dci(one, train=20, test=9, seed=0)["dci/completeness"] == 1


def test_the_number_of_workers_does_not_matter(monkeypatch: pytest.MonkeyPatch):
    found = []
    for workers in ("1", "8"):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", workers)
        found.append(dci(synthetic.mixed(3, 4), **FEW, seed=0))
    assert found[0] == found[1]


def test_ensembles_are_fitted_once_for_all_scores(fits: list[int]):
    codes = synthetic.mixed(3, 4)
    first = dci(codes, **FEW, seed=0)
    assert fits == [120, 120]
    assert dci(codes, **FEW, seed=0) == first
    scores = downstream_boosted(codes, train=[10, 120], test=60, seed=0)
    assert sorted(fits) == [10, 10, 120, 120]
    assert scores["downstream_boosted/120"] == first["dci/informativeness"]
    dci(codes, **FEW, seed=1)
    dci(synthetic.mixed(3, 4), **FEW, seed=0)
    assert fits.count(120) == 6  # another seed, and other codes


def test_cached_ensembles_are_released_with_the_codes(fits: list[int]):
    codes = synthetic.mixed(3, 4)
    dci(codes, **FEW, seed=0)
    gone = weakref.ref(codes)
    del codes
    gc.collect()
    assert gone() is None


def test_lightgbm_scores_have_their_own_names():
    pytest.importorskip("lightgbm")
    codes = synthetic.ideal(3, 4, complete=True)
    scores = dci_lightgbm(codes, train=300, test=60, seed=0)
    assert {key.partition("/")[0] for key in scores} == {"dci_lightgbm"}
    assert scores["dci_lightgbm/disentanglement"] > 0.99
    assert scores["dci_lightgbm/informativeness"] == 1
    assert dci_lightgbm(codes, train=300, test=60, seed=0) == scores


def test_lightgbm_of_constant_codes_is_finite():
    pytest.importorskip("lightgbm")
    scores = dci_lightgbm(synthetic.constant(2, 3, complete=True), train=60, test=60, seed=0)
    assert scores["dci_lightgbm/disentanglement"] == pytest.approx(0, abs=1e-8)


def test_a_missing_lightgbm_is_an_error_with_a_hint_to_install_it(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(UsageError, match="needs the package lightgbm") as refused:
        dci_lightgbm(synthetic.ideal(3, 4, complete=True), **FEW, seed=0)
    assert refused.value.hint == "pip install 'vaerun[lightgbm]'"
