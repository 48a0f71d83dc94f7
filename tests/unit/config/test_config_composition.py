"""From overrides to settings: what is composed, what is noted, what is stored of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from runner.config import data_root
from runner.config.composition import compose, compose_run, search_path
from runner.config.tree import leaves
from runner.errors import UsageError

CONF = data_root() / "conf"
OWN = """\
# @package _global_
# My objective (Somebody 1999). beta: the whole KL, halved.
beta: 3.0
objective:
  name: home_made
  weights:
    reconstruction: 1
    index_code_mi: ${vaerun.times:0.5,${beta}}
    group_total_correlation: ${beta}
    within_group_total_correlation: ${beta}
    dimension_wise_kl: 2
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    """The override that adds a folder with an objective of one's own."""
    (tmp_path / "own yaml" / "objective").mkdir(parents=True)
    (tmp_path / "own yaml" / "objective" / "home_made.yaml").write_text(OWN)
    return search_path([tmp_path / "own yaml"])


def stored(*overrides: str) -> dict[str, object]:
    return yaml.safe_load(compose(overrides).to_yaml())


def test_what_is_stored_resolves_to_the_settings():
    composition = compose(["objective=info_vae", "beta=7", "seed=3"])
    document = OmegaConf.create(composition.to_yaml())
    del document["composition"]
    assert document.objective.weights.index_code_mi == 1.0
    resolved = OmegaConf.to_container(document, resolve=True)
    assert resolved == OmegaConf.to_container(composition.settings, resolve=True)


def test_references_are_stored_as_they_stand():
    document = stored("objective=beta_vae", "objective.weights.dimension_wise_kl=2")
    weights = document["objective"]["weights"]
    assert weights["index_code_mi"] == "${beta}"
    assert weights["dimension_wise_kl"] == 2


def test_choices_and_changes_are_stored():
    origin = stored(
        "dataset=digits", "objective=hfvae", "prior=laplace", "prior.dimensions=3", "beta=5",
        "learning_rate={linear: {from: 0, to: 1, over: 9}}",
    )["composition"]  # fmt: skip
    assert origin["choices"] == {
        "dataset": "digits", "architecture": "mlp", "prior": "laplace", "likelihood": "bernoulli",
        "objective": "hfvae", "metrics": "fast", "experiment": None, "debug": None,
    }  # fmt: skip
    assert sorted(origin["changed"]) == ["beta", "learning_rate", "prior.dimensions", "prior.name"]
    assert origin["overrides"][:2] == ["dataset=digits", "objective=hfvae"]


def test_a_choice_that_another_brings_is_no_change():
    assert stored("objective=ae")["composition"]["changed"] == []
    assert stored("objective=ae", "prior=sigmoid_code")["composition"]["changed"] == ["prior.name"]


def test_what_an_experiment_sets_is_a_change_of_its_choices():
    origin = stored("experiment=pinwheel")["composition"]
    assert origin["choices"]["experiment"] == "pinwheel"
    assert {"prior.dimensions", "architecture.widths", "beta"} <= set(origin["changed"])
    assert "likelihood.mean" not in origin["changed"]  # the dataset brings it


def test_own_yaml_is_composed_and_stored(own: str):
    composition = compose([own, "objective=home_made", "objective.weights.dimension_wise_kl=4"])
    config = composition.parse()
    assert (config.objective.name, config.beta) == ("home_made", 3.0)
    assert config.objective.weights.index_code_mi == 1.5
    document = yaml.safe_load(composition.to_yaml())
    assert document["objective"]["weights"]["index_code_mi"] == "${vaerun.times:0.5,${beta}}"
    assert document["composition"]["changed"] == ["objective.weights.dimension_wise_kl"]


def test_of_several_search_paths_the_last_counts(own: str, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    other = search_path([tmp_path / "empty"])
    assert compose([other, "objective=home_made", own]).parse().objective.name == "home_made"
    with pytest.raises(UsageError, match="unknown objective 'home_made'"):
        compose([own, "objective=home_made", other])


def test_an_error_in_own_yaml_is_one_line(own: str):
    with pytest.raises(UsageError, match="unknown objective 'home_mad'") as refused:
        compose([own, "objective=home_mad"])
    assert (refused.value.hint or "").startswith("did you mean 'home_made'?")


def test_names_of_groups_need_no_plus():
    config = compose_run(["objective.group_information.style=1", "objective=vae"])
    assert config.objective.group_information == {"style": 1.0}


def test_a_choice_that_must_be_there_is_missed_in_one_line():
    with pytest.raises(UsageError, match="objective=null: there must be one"):
        compose(["objective=null"])


def test_a_weight_without_an_effect_is_noted():
    assert compose(["objective=vae", "beta=3"]).notes == ("beta has no effect with objective=vae",)
    assert compose(["objective=beta_vae", "beta=3"]).notes == ()


def test_the_folders_are_those_of_conf():
    composition = compose(["out=here", "sweep_name=mine", "name=x"])
    assert composition.grid_folder() == Path("here/sweep-mine")
    folder = composition.run_folder()
    assert folder.parts[0] == "here"
    assert folder.name.endswith("-x")
    assert folder == composition.run_folder()
    unnamed = compose(["out=here"]).grid_folder()
    assert unnamed.name.endswith("-multirun")


def test_a_schedule_is_one_leaf():
    plan = {"linear": {"from": 0, "to": "${beta}", "over": 5}}
    assert dict(leaves({"a": {"b": plan, "c": {}}, "d": [1]})) == {"a.b": plan, "d": [1]}
