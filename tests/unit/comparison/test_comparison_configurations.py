"""Runs that differ in their seed alone are one configuration; unused settings do not count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.comparison.configurations import Comparison, Configuration, compare_runs
from runner.comparison.runs import ComparedRun, Origin, setting_value
from runner.config.tree import leaves
from runner.errors import UsageError
from tests.made_run_folders import config, origin, references


def run(
    objective: str = "hfvae", *, state: str = "finished", elbo: float = 0.0, **changes: Any
) -> ComparedRun:
    tree = config(objective, **changes)
    settings = {key: setting_value(value) for key, value in leaves(tree)}
    metrics = {"elbo": elbo, "rate": 1.0}
    found = origin(tree)
    made = Origin(found["choices"], frozenset(found["changed"]), references(tree))
    return ComparedRun(Path(str(id(settings))), state, None, settings, metrics, origin=made)


def labels(comparison: Comparison) -> list[str]:
    return [configuration.label for configuration in comparison.configurations]


def test_seeds_gather_in_cells_that_are_ordered_by_their_settings():
    runs = [run(beta=beta, seed=seed) for seed in (1, 0) for beta in (12.0, 4.0)]
    found = compare_runs(runs, None, None)
    assert found.by == ("objective.name", "beta")
    assert labels(found) == ["hfvae  beta 4", "hfvae  beta 12"]
    assert [configuration.seeds for configuration in found.configurations] == [(0, 1), (0, 1)]
    assert [run.seed for run in found.configurations[0].runs] == [0, 1]
    assert found.pooled == ()


def test_a_weight_that_an_objective_does_not_refer_to_is_blank_for_it():
    runs = [run("hfvae", beta=4.0, gamma=gamma) for gamma in (1.0, 2.0)]
    runs += [run("beta_vae", beta=4.0, gamma=2.0), run("vae", beta=9.0, gamma=3.0)]
    found = compare_runs(runs, None, None)
    assert found.by == ("objective.name", "gamma")  # beta is 4 wherever it has an effect
    assert labels(found) == ["beta_vae", "hfvae  gamma 1", "hfvae  gamma 2", "vae"]
    assert found.configurations[0].settings == {"objective.name": "beta_vae", "gamma": None}


def test_runs_that_differ_in_an_unused_weight_alone_are_the_same_run():
    runs = [run("beta_vae", beta=4.0, gamma=gamma, elbo=gamma) for gamma in (1.0, 2.0)]
    found = compare_runs(runs, None, None)
    assert len(found.configurations) == 1
    assert found.duplicates == (runs[0],)  # the later one counts
    assert found.configurations[0].values("elbo") == [2.0]


def test_a_weight_that_follows_from_another_is_not_told_but_one_set_by_hand_is():
    by_hand = {"objective.weights.index_code_mi": 0.5}
    runs = [run("beta_vae", beta=4.0), run("beta_vae", beta=4.0, **by_hand)]
    found = compare_runs(runs, None, None)
    assert found.by == ("objective.name", "objective.weights.index_code_mi")
    assert labels(found) == ["beta_vae", "beta_vae  weights.index_code_mi 0.5"]


def test_a_constant_weight_shows_its_value_once_one_run_differs():
    runs = [run(**{"objective.weights.dimension_wise_kl": w}) for w in (1, 3)]
    assert labels(compare_runs(runs, None, None)) == [
        "hfvae  weights.dimension_wise_kl 1",
        "hfvae  weights.dimension_wise_kl 3",
    ]


def test_a_hyperparameter_all_of_whose_weights_are_set_by_hand_has_no_effect():
    fixed = {f"objective.weights.{name}": 2 for name in config("beta_vae")["objective"]["weights"]}
    runs = [run("beta_vae", beta=beta, **fixed) for beta in (1.0, 4.0)]
    found = compare_runs(runs, None, None)
    assert len(found.configurations) == 1
    assert found.by == ("objective.name",)


def test_a_run_that_does_not_say_how_it_was_composed_keeps_all_weights():
    runs = [replace(run("beta_vae", gamma=gamma), origin=None) for gamma in (1.0, 2.0)]
    assert compare_runs(runs, None, None).by == ("objective.name", "gamma")


def test_an_own_objective_is_known_by_what_its_run_says():
    """No file of conf/ is asked: the references and the changed settings stand in the folder."""
    name = {"objective.name": "home_made"}
    runs = [run("beta_vae", beta=b, gamma=g, **name) for b, g in ((1.0, 1.0), (4.0, 2.0))]
    found = compare_runs(runs, None, None)
    assert found.by == ("objective.name", "beta")
    assert labels(found) == ["home_made  beta 1", "home_made  beta 4"]


def test_a_choice_that_is_not_what_it_was_is_told_by_its_values():
    """Both runs say that prior=normal brought their dimensions: its YAML changed in between."""
    first, second = run(seed=0), run(seed=0, **{"prior.dimensions": 12})
    assert second.origin
    changed = second.origin.changed - {"prior.dimensions"}
    second = replace(second, origin=replace(second.origin, changed=changed))
    assert compare_runs([first, second], None, None).by == ("objective.name", "prior.dimensions")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"device": "cuda"},
        {"data_dir": "/elsewhere"},
        {"wandb.group": "grid"},
        {"metrics.name": "reference"},
        {"training.record_every": 10},
        {"objective.penalties.mmd.kernel": "rbf"},  # of weight zero
    ],
)
def test_what_leaves_a_model_as_it_is_tells_nothing_apart(changes: dict[str, Any]):
    found = compare_runs([run(seed=0), run(seed=1, **changes)], None, None)
    assert len(found.configurations) == 1
    assert found.configurations[0].seeds == (0, 1)


def test_steps_that_epochs_replace_tell_nothing_apart():
    runs = [run(seed=0, steps=5, epochs=2.0), run(seed=1, steps=6, epochs=2.0)]
    assert len(compare_runs(runs, None, None).configurations) == 1
    assert compare_runs([run(steps=5), run(steps=6)], None, None).by == ("objective.name", "steps")


def test_settings_of_something_that_is_on_do_tell():
    on = {"objective.penalties.mmd.weight": 1}
    runs = [run(**on, **{"objective.penalties.mmd.kernel": kernel}) for kernel in ("rbf", "imq")]
    found = compare_runs(runs, None, None)
    assert found.by == ("objective.name", "objective.penalties.mmd.kernel")


def test_what_a_choice_brings_is_told_by_the_choice():
    """Digits bring an MLP, sprites a convolution; each network has settings of its own."""
    conv = {"architecture": {"name": "conv64", "features": 256}, "dataset.name": "sprites"}
    found = compare_runs([run(), run(**conv)], None, None)
    assert found.by == ("objective.name", "dataset.name")
    other = {"architecture": {"name": "conv64", "features": 256}}
    assert compare_runs([run(), run(**other)], None, None).by[1:] == ("architecture.name",)


def test_a_schedule_is_one_value():
    warm = {"linear": {"from": 0, "to": 4, "over": 100}}
    runs = [run("beta_vae", beta=4.0), run("beta_vae", beta=warm)]
    assert labels(compare_runs(runs, None, None)) == [
        "beta_vae  beta 4",
        "beta_vae  beta linear(from 0, to 4, over 100)",
    ]


def test_cells_of_one_setting_pool_the_others_and_say_so():
    runs = [run(beta=beta, gamma=gamma) for beta in (1.0, 4.0) for gamma in (1.0, 2.0)]
    found = compare_runs(runs, ["beta"], None)
    assert found.by == ("beta",)
    assert labels(found) == ["beta 1", "beta 4"]
    assert [len(configuration.runs) for configuration in found.configurations] == [2, 2]
    assert found.pooled == ("gamma",)


def test_a_setting_that_varies_is_meant_where_a_short_name_may_be_several():
    runs = [
        run(seed=seed, **{"objective.encodings": seed, "evaluation.encodings": 50})
        for seed in (0, 1)
    ]
    assert compare_runs(runs, ["encodings"], None).by == ("objective.encodings",)


def test_unfinished_runs_are_left_out_and_none_at_all_is_an_error():
    left = [run(state="running"), run(state="failed"), run(state="running")]
    found = compare_runs([*left, run()], None, None)
    assert found.excluded == tuple(left)
    assert len(found.runs) == 1
    with pytest.raises(UsageError) as caught:
        compare_runs(left, None, None)
    assert caught.value.hint == "2 running, 1 failed"


@pytest.mark.parametrize(
    ("by", "hint"),
    [("bta", "did you mean 'beta'?"), ("objetive", "did you mean 'objective'?")],
)
def test_an_unknown_setting_is_answered_with_the_nearest(by: str, hint: str):
    with pytest.raises(UsageError, match=f"no run has a setting '{by}'") as caught:
        compare_runs([run()], [by], None)
    assert caught.value.hint == hint


def test_one_run_is_one_cell():
    found = compare_runs([run()], None, None)
    assert labels(found) == ["hfvae"]
    assert found.metrics == ("elbo", "rate")


def test_labels_differ_wherever_cells_do():
    settings = [
        {"objective.name": "a", "beta": value, "prior.gamma": gamma}
        for value in (1.0, 1.0000001, "cosine(to 1)", None)
        for gamma in (0.5, (0.5, 1))
    ]
    found = {Configuration(each, ()).label for each in settings}
    assert len(found) == len(settings)
    assert "a  beta 1  prior.gamma 0.5" in found


def test_runs_of_before_there_were_validations_are_no_others_than_those_without():
    off = {
        "validation.every": None,
        "validation.images": 0.1,
        "training.stop_early.patience": None,
        "evaluation.checkpoint": "auto",
        "init_from": None,
        "init.checkpoint": "last",
    }
    found = compare_runs([run(), run(seed=1, **off)], None, None)
    assert [configuration.seeds for configuration in found.configurations] == [(0, 1)]
    validated = off | {"validation.every": 50}
    found = compare_runs([run(), run(seed=1, **validated)], None, None)
    assert len(found.configurations) == 2
