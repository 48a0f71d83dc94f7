"""DCI-ES: its definition by plain loops, codes of known explicitness, groups and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracles_probing as oracles
import pytest
import synthetic_codes as synthetic
from grouped_codes import turned
from sklearn.preprocessing import StandardScaler

from runner.config.metrics_schema import PROBES
from runner.errors import UsageError
from runner.metric import Codes, stream
from runner.metric.capacity_probes import FAMILIES
from runner.metric.dci_es import dci_es, dci_es_groups

SIZES: dict[str, Any] = {
    "train": 600, "test": 300, "probe": "mlp", "features": [16, 64, 256], "widths": [0, 8, 32],
    "depths": [1, 3, 9], "most_classes": 10, "seed": 0,
}  # fmt: skip


def swirled(turn: float) -> Codes:
    """Return two factors of 15 values in a plane that is turned more the farther from its centre.

    No two images have the same code, and no turn loses anything.
    """
    factors = np.random.default_rng(0).integers(15, size=(900, 2))
    plane = (factors - 7) / 7
    angle = turn * np.hypot(*plane.T)
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = plane.T
    return Codes.of(
        np.column_stack([cos * first - sin * second, sin * first + cos * second]), factors
    )


def test_a_family_has_a_name_in_the_settings():
    assert tuple(FAMILIES) == PROBES


def test_factors_as_they_are_need_no_capacity():
    found = dci_es(swirled(0.0), **SIZES)
    assert found["dci_es/explicitness"] > 0.99
    assert found["dci_es/informativeness"] > 0.99
    assert found["dci_es/loss/0"] < 0.01
    assert found["dci_es/size"] == 1
    assert min(found["dci_es/disentanglement"], found["dci_es/completeness"]) > 0.99


@pytest.mark.parametrize("probe", ["mlp", "fourier"])
def test_a_scramble_that_loses_nothing_needs_more_capacity(probe: str):
    sizes = SIZES | {"probe": probe, "features": [4, 16, 64, 256]}
    plain, scrambled = (dci_es(swirled(turn), **sizes) for turn in (0.0, 3.0))
    assert scrambled["dci_es/informativeness"] == pytest.approx(
        plain["dci_es/informativeness"], abs=0.06
    )
    assert scrambled["dci_es/explicitness"] < plain["dci_es/explicitness"] - 0.1
    assert scrambled["dci_es/disentanglement"] < 0.5


def test_codes_that_say_nothing_have_no_informativeness_and_the_explicitness_one():
    found = dci_es(synthetic.noise(3, 12, copies=20), **SIZES | {"widths": [0, 2]})
    assert found["dci_es/informativeness"] < 0.3  # a class is guessed by chance
    assert found["dci_es/explicitness"] == pytest.approx(1, abs=0.15)
    constant = synthetic.repeated(synthetic.constant(3, 12), 20)
    still = dci_es(constant, **SIZES | {"widths": [0, 2]})
    assert still["dci_es/explicitness"] == 1
    assert still["dci_es/disentanglement"] == pytest.approx(0, abs=1e-6)
    assert still["dci_es/loss/0"] == 1


def test_it_is_the_definition_for_forests():
    """Three values are classified, 20 regressed; of equally good splits either may be taken."""
    source = np.random.default_rng(3)
    factors = source.integers([3, 20], size=(300, 2))
    latents = np.column_stack([factors @ [1.0, 0.1], factors @ [0.3, 1.0], source.normal(size=300)])
    codes = Codes.of(latents + 0.2 * source.normal(size=(300, 3)), factors)
    found = dci_es(
        codes, **SIZES | {"probe": "forest", "train": 200, "test": 100, "depths": [1, 4]}
    )
    random = stream(0, "dci_es")
    train, test = codes.disjoint(200, 100, random)
    order = random.permutation(100)
    scaler = StandardScaler().fit(train.codes_MD)
    judged = scaler.transform(test.codes_MD)
    scores, losses, importance = [], [], []
    for f, classify in enumerate([True, False]):
        values, truth = train.factors_MF[:, f], test.factors_MF[:, f]
        baseline = np.mean(truth != np.bincount(values).argmax()) if classify else 1.0
        if not classify:
            values, truth = ((part - values.mean()) / values.std() for part in (values, truth))
        models = oracles.forests(
            scaler.transform(train.codes_MD),
            values,
            depths=[1, 4],
            seed=int(random.integers(2**31)),
            classify=classify,
        )
        losses.append([1 - model.score(judged, truth) for model in models])
        scores.append(oracles.explicitness([1, 4], losses[f], baseline))
        increase = []
        for d in range(3):
            permuted = judged.copy()
            permuted[:, d] = permuted[order, d]
            increase.append(max(0.0, 1 - models[1].score(permuted, truth) - losses[f][1]))
        importance.append(np.array(increase) / sum(increase))
    assert found["dci_es/explicitness"] == pytest.approx(np.mean(scores), abs=1e-4)
    assert found["dci_es/explicitness/factor_1"] == pytest.approx(scores[1], abs=1e-4)
    mean = np.mean(losses, axis=0)
    assert mean[1] < mean[0]
    assert found["dci_es/informativeness"] == pytest.approx(1 - mean[1], abs=1e-4)
    share = np.array(importance) + 1e-300  # factors, variables
    entropy = -(share * np.log(share)).sum(1)
    assert found["dci_es/completeness"] == pytest.approx(np.mean(1 - entropy / np.log(3)), abs=1e-4)
    assert found["dci_es/size"] == pytest.approx(2 / 3)


def test_the_variables_of_a_group_are_permuted_together():
    sizes = SIZES | {"probe": "fourier", "features": [16, 64]}
    found = dci_es_groups(turned(images=900), **sizes)
    variables = dci_es(turned(images=900), **sizes)
    assert found["dci_es_groups/completeness"] > 0.9 > variables["dci_es/completeness"] + 0.1
    assert found["dci_es_groups/size"] == 1
    assert variables["dci_es/size"] == pytest.approx(3 / 5)
    # Of three factors two are in one group: their share of ln 3 is ln 2.
    assert found["dci_es_groups/disentanglement"] == pytest.approx(
        (2 * (1 - np.log(2) / np.log(3)) + 1) / 3, abs=0.1
    )


def test_a_factor_that_cannot_be_judged_is_left_out():
    factors = np.column_stack([np.arange(60) % 3, np.arange(60) == 59])
    codes = Codes.of(factors + 0.0, factors, factor_names=["a", "b"])
    found = dci_es(codes, **SIZES | {"widths": [0, 2]})
    assert "dci_es/explicitness/b" not in found
    with pytest.raises(UsageError, match="no factor varies"):
        dci_es(Codes.of(factors[:, 1] + 0.0, factors[:, 1]), **SIZES)
