"""Scores with a group in place of a variable: known values, and single variables as a check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from grouped_codes import alone, turned

from runner.errors import UsageError
from runner.metric import METRICS, Codes, compute
from runner.metric.importance import completenesses, disentanglements, weighted
from runner.metric.mig import mig
from runner.metric.trees import boosted

VOTES = {"train": 300, "test": 200, "batch": 32, "variance_samples": 1000, "least_spread": 0.05}
SPLIT = {"train": 800, "test": 400}
NEAREST = {"samples": 1500, "neighbours": 3}
BINNED = {"samples": 1500, "bins": 20}
SETTINGS: dict[str, dict[str, Any]] = {
    "mig_groups": NEAREST,
    "modularity_groups": NEAREST,
    "sap_groups": SPLIT,
    "eastwood_williams_groups": SPLIT,
    "factor_vae_groups": VOTES,
    "irs_groups": {**BINNED, "quantile": 0.99},
    "infom_groups": {**NEAREST, "least_range": 0.05},
    "infoc_groups": {**NEAREST, "least_range": 0.05},
    "infoe_groups": {"samples": 1500, "most_values": 64, "held_out": False},
    "dci_es_groups": {
        **SPLIT,
        "probe": "fourier",
        "features": [8, 16],
        "widths": [0, 2],
        "depths": [1, 2],
        "most_classes": 10,
    },
}


def scores(name: str, codes: Codes, **settings: Any) -> dict[str, float]:
    return compute(name, codes, factor=None, seed=0, settings=settings or SETTINGS[name])


def test_there_are_settings_here_for_every_score_of_groups():
    of_groups = {name for name, score in METRICS.items() if score.of_groups}
    assert of_groups == {*SETTINGS, "dci_groups"}


def test_a_rotated_pair_has_no_gap_between_variables_and_a_full_one_between_groups():
    found = scores("mig_groups", turned())
    assert found == pytest.approx(dict.fromkeys(found, 1.0), abs=0.03)
    assert list(found) == ["mig_groups", "mig_groups/a", "mig_groups/b", "mig_groups/c"]
    variables = mig(turned(), **BINNED, seed=0)
    assert max(variables["mig/a"], variables["mig/b"]) < 0.03


def test_modularity_of_a_group_with_one_factor_two_factors_and_none():
    """A half for two of three factors with equal information, 1 for one of them, 0 for noise."""
    assert scores("modularity_groups", turned())["modularity_groups"] == pytest.approx(
        np.mean([0.5, 1, 0]), abs=0.01
    )


def test_a_linear_classifier_finds_a_factor_in_any_direction_of_a_group():
    straight, mixed = turned(angle=0.0), turned()
    by_groups = scores("sap_groups", mixed)
    assert by_groups["sap_groups"] > 0.5
    assert by_groups["sap_groups/a"] == pytest.approx(
        scores("sap_groups", straight)["sap_groups/a"], abs=0.03
    )
    variables = compute("sap", mixed, factor=None, seed=0, settings=SPLIT)
    assert variables["sap/a"] < 0.1


def test_importances_of_groups_are_the_sums_over_their_variables():
    codes = turned(images=500)
    (trees,) = boosted(codes, [150], test=50, seed=0)
    sum_GF = np.stack([trees.importance_FD[:, group.columns].sum(1) for group in codes.groups])
    found = scores("dci_groups", codes, train=150, test=50)
    assert found["dci_groups/disentanglement"] == pytest.approx(
        weighted(disentanglements(sum_GF), sum_GF)
    )
    assert found["dci_groups/completeness"] == pytest.approx(
        weighted(completenesses(sum_GF), sum_GF.T)
    )
    assert sum_GF.sum(0) == pytest.approx([1, 1, 1])
    variables = compute("dci", codes, factor=None, seed=0, settings={"train": 150, "test": 50})
    assert found["dci_groups/completeness"] > 0.9 > variables["dci/completeness"]


def test_a_lasso_needs_both_variables_of_a_pair_and_one_group():
    found = scores("eastwood_williams_groups", turned())
    variables = compute("eastwood_williams", turned(), factor=None, seed=0, settings=SPLIT)
    assert found["eastwood_williams_groups/completeness"] > 0.9
    assert variables["eastwood_williams/completeness"] < 0.8


def test_votes_tell_the_factors_of_different_groups_apart():
    """Of three factors two are in one group, which is mapped to one of them: two of three right."""
    found = scores("factor_vae_groups", turned())
    assert found["factor_vae_groups"] == pytest.approx(2 / 3, abs=0.1)
    assert found["factor_vae_groups/active_groups"] == 3


@pytest.mark.parametrize("name", ["factor_vae_groups", "irs_groups"])
def test_a_rotation_within_a_group_changes_nothing(name: str):
    found, other = scores(name, turned()), scores(name, turned(angle=1.0))
    assert found == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("name", [*SETTINGS])
def test_single_variables_are_no_groups(name: str):
    with pytest.raises(UsageError, match=f"{name} needs several groups, and one of more than one"):
        scores(name, alone(turned()))
    whole = Codes.of(
        turned().codes_ND, turned().factors_NF, groups={"z": [f"z_{i}" for i in range(5)]}
    )
    with pytest.raises(UsageError, match="needs several groups"):
        scores(name, whole)


@pytest.mark.parametrize(
    ("name", "of_variables"),
    [
        ("sap_groups", "sap"),
        ("eastwood_williams_groups", "eastwood_williams"),
        ("factor_vae_groups", "factor_vae"),
        ("irs_groups", "irs"),
    ],
)
def test_a_group_of_one_variable_scores_as_the_variable(name: str, of_variables: str):
    """With a constant second variable, which adds nothing, in place of single variables."""
    codes = turned()
    constant = np.zeros((len(codes), 1))
    groups = {"z_0": ["z_0", "z_5"], **{f"z_{i}": [f"z_{i}"] for i in range(1, 5)}}
    padded = Codes.of(np.hstack([codes.codes_ND, constant]), codes.factors_NF, groups=groups)
    found = scores(name, padded)
    plain = compute(of_variables, alone(codes), factor=None, seed=0, settings=SETTINGS[name])
    same = {
        key.replace(name, of_variables).replace("groups", "variables"): v
        for key, v in found.items()
    }
    renamed = {key.replace("factor_0", "a").replace("factor_1", "b").replace("factor_2", "c"): v
               for key, v in same.items()}  # fmt: skip
    assert renamed == pytest.approx({key: plain[key] for key in renamed}, abs=1e-9)
