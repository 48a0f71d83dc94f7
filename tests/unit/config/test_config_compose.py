"""From YAML to typed settings, to a run's config.yaml, and back without a loss."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from runner.config import (
    CHOICES,
    ConcreteNormalPriorConfig,
    ConvConfig,
    MlpConfig,
    OwnDataConfig,
    PriorConfig,
    RunConfig,
    ScaledConfig,
    allow_new_key,
    data_root,
    flat_keys,
    parse,
    register,
    restore,
    to_yaml,
)
from runner.config.schema import PARTLY_TYPED
from runner.errors import UsageError

Composed = Callable[..., RunConfig]
CONF = data_root() / "conf"


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def raw(*overrides: str) -> DictConfig:
    """Return what Hydra composes, before it is parsed."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides))


def refusal(*overrides: str) -> UsageError:
    with pytest.raises(UsageError) as refused:
        parse(raw(*overrides))
    assert "\n" not in refused.value.message
    return refused.value


SECTIONS = ("objective", "prior", "architecture", "likelihood")


def in_turns() -> list[tuple[str, ...]]:
    """Every choice of each section at least twice, each time with others of the other sections."""
    longest = max(len(names(section)) for section in SECTIONS)
    return [
        tuple(names(section)[turn % len(names(section))] for section in SECTIONS)
        for turn in range(2 * longest)
    ]


@pytest.mark.parametrize("choices", in_turns(), ids="-".join)
def test_config_yaml_restores_the_settings(composed: Composed, choices: tuple[str, ...]):
    """A section is restored by itself, so that no pair of choices needs a test of its own."""
    objective, *others = map("=".join, zip(SECTIONS, choices, strict=True))
    parts = {word.partition("=")[0]: composed(word) for word in others}
    config = replace(
        composed(objective), **{name: getattr(part, name) for name, part in parts.items()}
    )
    again = restore(to_yaml(config), [])
    assert again == config
    for group in ("architecture", "prior", "likelihood"):
        assert type(getattr(again, group)) is type(getattr(config, group))


def test_config_yaml_restores_values_that_yaml_could_mistake(composed: Composed):
    config = composed(
        "name='null'",
        "out='a: b # c'",
        "data_dir='~/it\\'s'",
        "wandb.project='on'",
        "wandb.tags=['1e3','yes','a,b']",
        "wandb.entity='12'",
        "learning_rate=1e-7",
        "epochs=0.5",
        "++objective.group_information={category: -20, style: 0.25}",
    )
    text = to_yaml(config)
    assert restore(text, []) == config
    assert (config.name, config.wandb.tags) == ("null", ["1e3", "yes", "a,b"])


def test_config_yaml_holds_values_and_no_references(composed: Composed):
    text = to_yaml(composed("objective=hfvae", "beta=7"))
    assert "${" not in text
    document = yaml.safe_load(text)
    assert document["objective"]["weights"]["group_total_correlation"] == 7.0
    assert document["name"] == "sprites-hfvae"
    assert "hydra" not in document
    assert "???" not in text


def test_a_restored_run_is_changed_by_its_overrides_alone(composed: Composed):
    config = composed()
    changed = restore(to_yaml(config), ["steps=77", "wandb.tags=[a,b]", "epochs=2", "name=x"])
    assert (changed.steps, changed.wandb.tags, changed.epochs) == (77, ["a", "b"], 2.0)
    config.steps, config.wandb.tags, config.epochs, config.name = 77, ["a", "b"], 2.0, "x"
    assert changed == config


def test_a_restored_run_does_not_ask_conf(composed: Composed, monkeypatch: pytest.MonkeyPatch):
    text = to_yaml(composed("prior=concrete_normal"))
    monkeypatch.setattr("runner.config.apart.data_root", lambda: Path("/missing"))
    assert restore(text, []).prior.name == "concrete_normal"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("betta=1", "unknown setting 'betta'"),
        ("wandb.mdoe=x", "unknown setting 'wandb.mdoe'"),
        ("prior.categories=3", "unknown setting 'prior.categories'"),
        ("steps=-1", "steps must be at least 1, got -1"),
    ],
)
def test_a_wrong_override_of_a_restored_run_is_refused(
    composed: Composed, override: str, message: str
):
    with pytest.raises(UsageError) as refused:
        restore(to_yaml(composed()), [override])
    assert refused.value.message == message


@pytest.mark.parametrize("override", ["steps=abc", "seed=", "training.compile=maybe"])
def test_an_override_of_the_wrong_type_is_refused_in_one_line(composed: Composed, override: str):
    with pytest.raises(UsageError) as refused:
        restore(to_yaml(composed()), [override])
    key = override.partition("=")[0]
    assert refused.value.message.startswith(f"{key} must be ")


@pytest.mark.parametrize("text", ["a: [", "", "- 1\n", "prior: {name: missing}\n", "foo: 1\n"])
def test_a_config_yaml_that_is_none_is_refused_in_one_line(text: str):
    with pytest.raises(UsageError, match=r"^config\.yaml(:| is) .+") as refused:
        restore(text, [])
    assert "\n" not in refused.value.message


def test_a_config_yaml_that_lacks_a_setting_names_it(composed: Composed):
    document = yaml.safe_load(to_yaml(composed()))
    del document["steps"]
    with pytest.raises(UsageError, match=r"^steps has no value"):
        restore(yaml.safe_dump(document), [])


def test_settings_are_plain_objects_of_the_chosen_kinds(composed: Composed):
    config = composed("architecture=mlp", "prior=concrete_normal", "likelihood=gaussian")
    assert config.architecture == MlpConfig(
        name="mlp",
        conditional=False,
        conditional_head="separate",
        widths=[400, 200],
        activation="relu",
        tied=False,
    )
    assert config.prior == ConcreteNormalPriorConfig(
        "concrete_normal", 10, None, None, {}, 0.66, None
    )
    assert config.likelihood == ScaledConfig("gaussian", 0.1, learned=False, mean="logistic")
    config = composed("architecture=conv64", "prior=normal")
    assert config.architecture == ConvConfig("conv64", False, "separate", 256)  # noqa: FBT003
    assert config.prior == PriorConfig("normal", 10, 2, None, {}, 0.66)
    assert type(config.wandb.tags) is list
    assert type(config.objective.group_information) is dict


@pytest.mark.parametrize("group", sorted(CHOICES))
def test_every_choice_of_a_typed_group_has_its_class(composed: Composed, group: str):
    if group in PARTLY_TYPED:
        assert set(CHOICES[group]) < set(names(group))
    else:
        assert sorted(CHOICES[group]) == names(group)
    for name, kind in CHOICES[group].items():
        needed = ["dataset.path=mine"] if issubclass(kind, OwnDataConfig) else []
        assert type(getattr(composed(f"{group}={name}", *needed), group)) is kind


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0.5),
        ("training.clip_gradient", 100.0),
        ("wandb.entity", "me"),
        ("wandb.group", "g"),
        ("sweep_name", "s"),
        ("prior.group_size", 5),
        ("prior.categories", 3),
    ],
)
def test_an_optional_setting_is_its_value_or_null(composed: Composed, key: str, value: float | str):
    for word, expected in ((str(value), value), ("null", None)):
        config = composed("prior=concrete_normal", f"{key}={word}")
        node: object = config
        for part in key.split("."):
            node = getattr(node, part)
        assert node == expected
        assert restore(to_yaml(config), []) == config


@pytest.mark.parametrize("key", ["steps", "name", "device", "training.compile", "wandb.mode"])
def test_other_settings_cannot_be_null(composed: Composed, key: str):
    with pytest.raises(UsageError):
        restore(to_yaml(composed()), [f"{key}=null"])


def test_a_sweep_names_the_wandb_group(composed: Composed):
    assert composed("sweep_name=mine").wandb.group == "mine"
    assert composed().wandb.group is None


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("xqzjw", "it was added with '+'"),
        ("betta", "did you mean 'beta'?"),
        ("training.recrd_every", "did you mean 'training.record_every'?"),
        ("prior.dimension", "did you mean 'prior.dimensions'?"),
        ("objective.weights.dimension_kl", "did you mean 'objective.weights.dimension_wise_kl'?"),
    ],
)
def test_a_key_that_was_added_is_refused_all_the_same(key: str, hint: str):
    error = refusal(f"+{key}=1")
    assert (error.message, error.hint) == (f"unknown setting '{key}'", hint)


def test_a_group_of_keys_that_was_added_is_refused_by_its_first():
    assert refusal("+wandb.foo.bar=2").message == "unknown setting 'wandb.foo'"


def test_any_group_s_information_may_be_weighed(composed: Composed):
    config = composed("+objective.group_information.any_name=2", "objective=vae")
    assert config.objective.group_information == {"any_name": 2.0}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("steps=???", "steps has no value"),
        ("name='${missing}'", "name is '${missing}', which refers to no setting"),
    ],
)
def test_a_setting_without_a_value_is_refused(word: str, message: str):
    assert refusal(word).message == message


def test_a_configuration_of_no_schema_is_a_bug():
    with pytest.raises(TypeError, match="composed against the schema"):
        parse(OmegaConf.create({"steps": 3}))


def test_flat_keys_are_the_dotted_names_of_all_settings():
    keys = flat_keys(raw("prior=concrete_normal", "architecture=mlp"))
    assert len(keys) == len(set(keys))
    assert {"beta", "prior", "prior.temperature", "architecture.widths"} <= set(keys)
    assert "objective.weights.index_code_mi" in keys
    assert "architecture.features" not in keys
    assert not [key for key in keys if key.startswith("hydra")]


def test_flat_keys_reads_no_values():
    node = OmegaConf.create({"a": {"b": "${missing}", "c": [1]}, "hydra": {"d": 1}})
    assert flat_keys(node) == ["a", "a.b", "a.c"]


def test_every_flat_key_can_be_set(composed: Composed):
    composition = raw()
    words = []
    for key in flat_keys(composition):
        value = OmegaConf.select(composition, key)
        if not isinstance(value, DictConfig):
            words.append(f"{key}={'null' if value is None else value}")
    assert len(words) > 30
    assert composed(*words) == composed()


def test_the_information_of_a_group_is_freed_of_hydra_s_plus():
    assert (
        allow_new_key("objective.group_information.style=1")
        == "++objective.group_information.style=1"
    )
    assert (
        allow_new_key("objective.weights.reconstruction=1") == "objective.weights.reconstruction=1"
    )


def test_the_resolvers_name_folders():
    register()
    node = OmegaConf.create(
        {"name": None, "a": "${vaerun.either:${name},multirun}", "b": "${vaerun.uid:}"}
    )
    assert node.a == "multirun"
    node.name = "mine"
    assert node.a == "mine"
    assert node.b == node.b  # one run has one
    assert len(node.b) == 4


def test_conf_lies_beside_the_package_or_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert (data_root() / "conf" / "config.yaml").is_file()
    packed = tmp_path / "runner" / "_data" / "conf"
    module = sys.modules["runner.config.data_root"]  # the name is that of its function, too
    monkeypatch.setattr(module, "__file__", str(packed.parents[1] / "config" / "x.py"))
    assert data_root() == tmp_path.resolve()
    packed.mkdir(parents=True)
    assert data_root() == packed.parent.resolve()
