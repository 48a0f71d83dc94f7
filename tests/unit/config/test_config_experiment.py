"""An experiment leaves nothing of its own choices to those that replace them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from runner.config import RunConfig, data_root
from runner.config.composition import Composition, compose, search_path

CONF = data_root() / "conf"


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


KINDS = ("beta_vae", "ae", "info_vae")
"""Objectives that stand for the others: they differ in what they set."""

PAIRS = sorted(
    {(name, KINDS[(i + k) % 3]) for i, name in enumerate(names("experiment")) for k in (0, 1)}
    | {("hfvae_mnist", objective) for objective in names("objective")}
)
"""Each experiment with two of the kinds in turn, and one experiment with every objective."""


@cache
def whole(experiment: str) -> Composition:
    return compose([f"experiment={experiment}"])


@cache
def without_experiment(*words: str) -> RunConfig:
    return compose(words).parse()


@pytest.mark.parametrize(("experiment", "objective"), PAIRS)
def test_a_replaced_objective_is_as_its_own_file_has_it(experiment: str, objective: str):
    composition = compose([f"experiment={experiment}", f"objective={objective}"])
    config = composition.parse()
    own = whole(experiment)
    if own.choices["objective"] == objective:
        assert composition.notes == ()
        assert composition.settings == own.settings
        return
    chosen = [f"{g}={composition.choices[g]}" for g in ("dataset", "architecture", "likelihood")]
    alone = without_experiment(*chosen, f"objective={objective}", f"prior={config.prior.name}")
    assert config.objective == alone.objective
    assert (config.alpha, config.beta, config.gamma) == (alone.alpha, alone.beta, alone.gamma)
    assert config.name == alone.name
    assert config.dataset.name == own.settings.dataset.name
    assert config.epochs == own.settings.epochs
    assert composition.choices["experiment"] == experiment


def test_a_note_says_what_is_dropped_and_what_stays():
    (note,) = compose(["experiment=hfvae_mnist", "objective=beta_vae"]).notes
    assert note == (
        "experiment=hfvae_mnist with objective=beta_vae: its beta, gamma, "
        "objective.group_information.category dropped; epochs as in the experiment"
    )


def test_what_is_given_wins_over_both():
    composition = compose(["beta=9", "objective=beta_vae", "experiment=hfvae_mnist", "name=x"])
    config = composition.parse()
    assert (config.beta, config.name) == (9, "x")
    assert "beta, gamma" not in composition.notes[0]
    assert "its gamma" in composition.notes[0]


@pytest.mark.parametrize(
    ("experiment", "override", "section"),
    [
        ("pinwheel", "prior=normal", "prior"),
        ("pinwheel", "architecture=conv28", "architecture"),
        ("pinwheel", "likelihood=laplace", "likelihood"),
        ("sparse_fashion_mnist", "prior=normal", "prior"),
        ("sparse_fashion_mnist", "likelihood=gaussian", "likelihood"),
        ("vae_mnist", "architecture=conv28", "architecture"),
    ],
)
def test_a_replaced_choice_of_any_section_is_as_its_own_file_has_it(
    experiment: str, override: str, section: str
):
    composition = compose([f"experiment={experiment}", override])
    dataset = f"dataset={composition.choices['dataset']}"
    assert composition.settings[section] == compose([dataset, override]).settings[section]
    assert composition.settings.name == compose([f"experiment={experiment}"]).settings.name


def test_a_reward_on_a_group_goes_with_the_prior_that_has_the_group():
    config = compose(["experiment=hfvae_mnist", "prior=normal"]).parse()
    assert config.objective.group_information == {}
    assert (config.objective.name, config.beta) == ("hfvae", 12.0)


def test_an_objective_that_replaces_brings_its_prior_unless_one_is_named():
    assert compose(["experiment=hfvae_mnist", "objective=ae"]).parse().prior.name == "code"
    named = compose(["experiment=hfvae_mnist", "objective=ae", "prior=sigmoid_code"]).parse()
    assert named.prior.name == "sigmoid_code"


def test_the_experiment_s_own_choice_replaces_nothing():
    composition = compose(["experiment=hfvae_mnist", "objective=hfvae", "dataset=mnist"])
    assert composition.notes == ()
    assert composition.parse() == compose(["experiment=hfvae_mnist"]).parse()


def test_what_debug_sets_still_wins():
    words = ["experiment=hfvae_mnist", "objective=beta_vae", "debug=default"]
    assert compose(words).parse().steps == 2


def test_an_own_experiment_leaks_as_little(tmp_path: Path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /objective: corex\n"
        "alpha: -9.0\nseed: 5\nobjective:\n  penalties:\n    mmd: {weight: 3}\n"
    )
    folder = search_path([tmp_path])
    own = compose([folder, "experiment=mine"]).parse()
    assert (own.objective.penalties.mmd.weight, own.alpha, own.seed) == (3, -9.0, 5)
    config = compose([folder, "experiment=mine", "objective=vae"]).parse()
    assert (config.objective.penalties.mmd.weight, config.alpha, config.seed) == (0, 1.0, 5)
