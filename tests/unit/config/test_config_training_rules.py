"""Settings of validations, early stopping and the start of a run; and runs that lack them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from runner.config import RunConfig, restore, to_yaml
from runner.config.added_settings import ADDED
from runner.config.composition import compose_run
from runner.errors import UsageError

NO_VALIDATIONS = "needs validations, and there are none"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("validation.every=0", "validation.every must be at least 1, or null"),
        ("validation.images=1", "validation.images must be a number of images, at least 2, or"),
        ("validation.images=2.5", "validation.images must be a number of images"),
        ("validation.images=0", "validation.images must be a number of images"),
        ("validation.encodings=1", "validation.encodings must be at least 2"),
        ("validation.seed=-1", "validation.seed must be between 0 and"),
        ("validation.scores=[migg]", "there is no score 'migg'"),
        ("validation.scores=[name]", "there is no score 'name'"),
        ("validation.scores=[udr]", "udr compares several runs"),
        ("validation.scores=[dci]", "metrics=fast has no settings for dci"),
        ("training.stop_early.patience=0", "training.stop_early.patience must be at least 1"),
        ("training.stop_early.min_delta=-1", "training.stop_early.min_delta must be at least 0"),
        ("training.stop_early.after=-1", "training.stop_early.after must be at least 0"),
        ("training.stop_early.patience=3", f"training.stop_early.patience=3 {NO_VALIDATIONS}"),
        ("evaluation.checkpoint=best", f"evaluation.checkpoint=best {NO_VALIDATIONS}"),
        ("evaluation.checkpoint=bes", "evaluation.checkpoint must be one of auto, last, best"),
        ("init.checkpoint=auto", "init.checkpoint must be one of last, best"),
        ("init.only=[encoder,decode]", "init.only must be one of encoder, decoder"),
        ("init.sha256=abc", "init.sha256 must be 64 digits"),
        ("init.step=-1", "init.step must be at least 0"),
        ("init_from=' '", "init_from must be the folder of a run"),
    ],
)
def test_a_value_without_sense_is_refused(
    composed: Callable[..., RunConfig], override: str, said: str
):
    with pytest.raises(UsageError) as error:
        composed(override)
    assert said in error.value.message
    assert "\n" not in str(error.value)


def test_the_best_checkpoint_is_evaluated_only_where_it_is_kept(
    composed: Callable[..., RunConfig],
):
    best = ("validation.every=5", "evaluation.checkpoint=best")
    assert composed(*best).training.keep_best
    with pytest.raises(UsageError, match=r"needs training\.keep_best=true"):
        composed(*best, "training.keep_best=false")


def without(tree: dict[str, Any], key: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        tree = tree.get(parent, {})  # which may have gone as a whole
    tree.pop(last, None)


@pytest.mark.parametrize("dataset", ["digits", "folder"])
def test_a_run_of_before_a_setting_has_the_value_that_stands_for_what_it_did(
    composed: Callable[..., RunConfig], dataset: str
):
    path = ["dataset.path=x"] if dataset == "folder" else []
    config = composed(f"dataset={dataset}", *path)
    tree = yaml.safe_load(to_yaml(config))
    for key in ADDED:
        without(tree, key)
    assert restore(yaml.safe_dump(tree), []) == config


def test_a_section_may_have_come_before_one_of_its_settings(composed: Callable[..., RunConfig]):
    config = composed("validation.every=7")
    tree = yaml.safe_load(to_yaml(config))
    without(tree, "validation.information")
    assert restore(yaml.safe_dump(tree), []) == config


def test_a_setting_that_every_run_has_is_missed(composed: Callable[..., RunConfig]):
    tree = yaml.safe_load(to_yaml(composed()))
    del tree["training"]["record_every"]
    with pytest.raises(UsageError, match=r"training\.record_every has no value"):
        restore(yaml.safe_dump(tree), [])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("photos", "photos"),
        ("/data/My Flowers!/", "My_Flowers"),
        ("a/faces.npz", "faces"),
        ("..", "folder"),
        ("/", "folder"),
        ("été", "été"),
        ("a" * 300, "a" * 60),
        ("x/../../etc", "etc"),
    ],
)
def test_a_run_of_own_images_is_named_after_their_folder(path: str, name: str):
    config = compose_run(["dataset=folder", f"dataset.path='{path}'", "objective=vae"])
    assert config.name == f"{name}-vae"


def test_a_name_that_is_given_stays():
    assert compose_run(["dataset=npz", "dataset.path=a.npz", "name=mine"]).name == "mine"
    assert compose_run(["dataset=digits", "objective=vae"]).name == "digits-vae"
