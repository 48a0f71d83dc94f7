"""Hydra's complaints, in the words of the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from runner import config
from runner.config.composition import compose_run
from runner.config.hydra_errors import explain, unknown_setting
from runner.errors import UsageError

CONF = str(config.data_root() / "conf")


@pytest.fixture(autouse=True)
def _registered() -> None:
    config.register()


def every(group: str) -> str:
    return ", ".join(sorted(path.stem for path in Path(CONF, group).glob("*.yaml")))


OBJECTIVES = every("objective")
PRIORS = every("prior")


def complaint(*overrides: str) -> UsageError:
    """Return what a user reads when Hydra refuses these settings."""
    with (
        pytest.raises((HydraException, OmegaConfBaseException)) as refused,
        initialize_config_dir(CONF, version_base="1.3"),
    ):
        compose("config", list(overrides))
    return explain(refused.value, CONF, list(overrides))


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["betta=12"], "unknown setting 'betta'", "did you mean 'beta'?"),
        (["xqzjw=1"], "unknown setting 'xqzjw'", "vaerun --cfg job shows all settings"),
        (["prior.nme=x"], "unknown setting 'prior.nme'", "did you mean 'prior.name'?"),
        (
            ["weights.reconstruction=1"],
            "unknown setting 'weights.reconstruction'",
            "did you mean 'objective.weights.reconstruction'?",
        ),
        (["~stepps"], "unknown setting 'stepps'", "did you mean 'steps'?"),
        (
            ["training.qqqq=1"],
            "unknown setting 'training.qqqq'",
            "training has record_every, checkpoint_minutes, clip_gradient, weight_decay, compile, "
            "keep_best, stop_early",
        ),
        (
            ["prior.pseudo_inputs=1"],
            "unknown setting 'prior.pseudo_inputs'",
            "prior has name, dimensions, group_size, groups, discrete, temperature",
        ),
        (
            ["prior=concrete_normal", "prior.temprature=1"],
            "unknown setting 'prior.temprature'",
            "did you mean 'prior.temperature'?",
        ),
        (
            ["beta=3", "architecture=mlp", "architecture.width=[1]"],
            "unknown setting 'architecture.width'",
            "did you mean 'architecture.widths'?",
        ),
    ],
)
def test_an_unknown_setting_is_met_with_the_nearest_that_the_choices_have(
    words: list[str], message: str, hint: str
):
    error = complaint(*words)
    assert (error.message, error.hint) == (message, hint)


def test_the_nearest_setting_is_found_beside_values_that_are_wrong_too():
    error = unknown_setting("betta", CONF, ["steps=abc", "betta=1", "dataset=digits"])
    assert error.hint == "did you mean 'beta'?"


def test_the_nearest_group_is_offered_where_the_choices_do_not_compose():
    error = unknown_setting("objectve", CONF, ["prior=missing"])
    assert error.hint == "did you mean 'objective'?"


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        (
            "objective=hfvea",
            "unknown objective 'hfvea'",
            f"did you mean 'hfvae'? objective: {OBJECTIVES}",
        ),
        (
            "objective=xqzjw",
            "unknown objective 'xqzjw'",
            f"objective: {OBJECTIVES}",
        ),
        (
            "prior=nrmal",
            "unknown prior 'nrmal'",
            f"did you mean 'normal'? prior: {PRIORS}",
        ),
        ("debug=on", "unknown debug 'on'", "debug: default"),
    ],
)
def test_an_unknown_choice_is_met_with_all_there_are(word: str, message: str, hint: str):
    error = complaint(word)
    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize(
    "error",
    [
        HydraException("\n  \nfirst of use\nsecond"),
        HydraException(""),
        MissingConfigException("cannot find config.yaml\nlooked in"),
        OverrideParseException("beta=[1", "Error parsing override 'beta=[1'\nno viable"),
        HydraException("Error merging override x=3"),
        HydraException("In 'prior/own': SomeError raised while composing config:\nfull_key: a.b"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_known_is_said_in_words_of_the_settings(error: Exception):
    explained = explain(error, CONF, ["beta=3"])
    assert re.search("first of use|viable|Error|Exception|full_key|raised", str(explained)) is None
    assert explained.message


def test_the_known_settings_follow_the_folder_that_is_given(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("colour: red\n")
    assert unknown_setting("color", str(tmp_path), []).hint == "did you mean 'colour'?"


@pytest.mark.parametrize("group", ["architecture", "prior", "likelihood", "objective", "dataset"])
def test_a_group_given_as_a_mapping_is_answered_with_what_it_has(group: str):
    with pytest.raises(UsageError, match=f"unknown setting '{group}.foo'") as refused:
        compose_run([f"{group}={{foo: 2}}"])
    assert refused.value.hint is not None
    assert "name" in refused.value.hint
