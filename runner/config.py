"""The typed settings of a run: what every key of ``conf/`` may hold.

YAML owns every value and says what each key means, so no field here has a default or a comment.
Hydra composes ``conf/`` against these classes and refuses keys that they lack; :func:`parse` turns
the result into plain typed objects and refuses values that make no sense. A choice may extend its
group's class with keys of its own (``conf/prior/normal.yaml`` names its class in its first lines).
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Optional, cast, get_type_hints

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.errors import UsageError, nearest

GROUPS = ("dataset", "architecture", "prior", "likelihood", "objective", "experiment", "debug")
"""The groups of ``conf/``, in the order in which a reader meets them."""

PRECISIONS = ("float32", "bf16")
WANDB_MODES = ("auto", "online", "offline", "disabled")
CONCRETE_DENSITIES = ("exact", "argmax")


@dataclass
class DatasetConfig:
    """Where the images come from."""

    name: str


@dataclass
class ArchitectureConfig:
    """The networks."""

    name: str


@dataclass
class MlpConfig(ArchitectureConfig):
    """Fully connected networks."""

    widths: list[int]


@dataclass
class ConvConfig(ArchitectureConfig):
    """Convolutional networks."""

    features: int


@dataclass
class PriorConfig:
    """The latent space; ``dimensions`` counts its normal variables."""

    name: str
    dimensions: int
    groups: int


@dataclass
class NormalPriorConfig(PriorConfig):
    """Normal variables only."""


@dataclass
class ConcreteNormalPriorConfig(PriorConfig):
    """One Concrete variable beside the normals."""

    categories: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    temperature: float


@dataclass
class LikelihoodConfig:
    """How a decoded image is compared with an image."""

    name: str


@dataclass
class GaussianConfig(LikelihoodConfig):
    """Normal pixels."""

    scale: float


@dataclass
class WeightsConfig:
    """One weight per term, dimensionless; all ones is the negative ELBO."""

    reconstruction: float
    index_code_mi: float
    group_total_correlation: float
    within_group_total_correlation: float
    dimension_wise_kl: float


@dataclass
class ObjectiveConfig:
    """What is minimised."""

    name: str
    weights: WeightsConfig
    group_information: dict[str, float]
    concrete_density: str


@dataclass
class TrainingConfig:
    """How the loop runs."""

    record_every: int
    checkpoint_minutes: float
    clip_gradient: Optional[float]  # noqa: UP045
    compile: bool


@dataclass
class EvaluationConfig:
    """How large the final figures are."""

    encodings: int
    map_points: int
    traversal_steps: int
    traversal_range: float


@dataclass
class WandbConfig:
    """Where W&B puts the run."""

    mode: str
    project: str
    entity: Optional[str]  # noqa: UP045
    group: Optional[str]  # noqa: UP045
    tags: list[str]


@dataclass
class RunConfig:
    """Every setting of one run, resolved."""

    dataset: DatasetConfig
    architecture: ArchitectureConfig
    prior: PriorConfig
    likelihood: LikelihoodConfig
    objective: ObjectiveConfig
    alpha: float
    beta: float
    gamma: float
    seed: int
    steps: int
    epochs: Optional[float]  # noqa: UP045
    batch_size: int
    learning_rate: float
    device: str
    precision: str
    data_dir: str
    out: str
    name: str
    sweep_name: Optional[str]  # noqa: UP045
    training: TrainingConfig
    evaluation: EvaluationConfig
    wandb: WandbConfig


CHOICES: dict[str, dict[str, type]] = {
    "architecture": {"mlp": MlpConfig, "conv64": ConvConfig, "conv28": ConvConfig},
    "prior": {"normal": NormalPriorConfig, "concrete_normal": ConcreteNormalPriorConfig},
    "likelihood": {"bernoulli": LikelihoodConfig, "gaussian": GaussianConfig},
}
"""Choices whose YAML has keys beyond the group's own: group → name → class."""


def data_root() -> Path:
    """Return the folder of ``conf/`` and ``sweeps/``: in a wheel, or beside this package."""
    here = Path(__file__).resolve().parent
    packed = here / "_data"
    return packed if (packed / "conf").is_dir() else here.parent


def register() -> None:
    """Tell Hydra the types, and the resolver that keeps two runs of one second apart."""
    OmegaConf.register_new_resolver(
        "uid", lambda: secrets.token_hex(2), use_cache=True, replace=True
    )
    store = ConfigStore.instance()
    store.store(name="schema", node=RunConfig)
    for group, choices in CHOICES.items():
        for name, node in choices.items():
            store.store(group=f"schema/{group}", name=name, node=node)


def parse(composed: DictConfig) -> RunConfig:
    """Turn a composed configuration into typed settings.

    Raises:
        UsageError: a key is unknown or has no value, or a value makes no sense.
    """
    for key in _unknown_keys(composed):
        known = [k for k in flat_keys(composed) if k != key]
        raise UsageError(f"unknown setting '{key}'", nearest(key, known) or "it was added with '+'")
    try:
        config = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise UsageError(str(error).splitlines()[0]) from error
    if not isinstance(config, RunConfig):
        raise TypeError("parse needs a configuration composed against the schema")
    _validate(config)
    return config


def to_yaml(config: RunConfig) -> str:
    """Return the settings as they stand in a run's ``config.yaml``."""
    return OmegaConf.to_yaml(OmegaConf.structured(config))


def restore(yaml_text: str, overrides: list[str]) -> RunConfig:
    """Return the settings of a run's ``config.yaml``, with some of them changed.

    It depends on nothing but the file, so later changes to ``conf/`` do not reach an old run.

    Raises:
        UsageError: the file or an override is not a valid setting.
    """
    try:
        saved = OmegaConf.create(yaml_text)
        schema = OmegaConf.structured(RunConfig)
        for group, choices in CHOICES.items():
            name = str(OmegaConf.select(saved, f"{group}.name"))
            schema[group] = OmegaConf.structured(choices[name])
        merged = OmegaConf.merge(schema, saved, OmegaConf.from_dotlist(overrides))
    except (OmegaConfBaseException, yaml.YAMLError, KeyError, AttributeError) as error:
        raise UsageError(f"config.yaml: {str(error).splitlines()[0]}") from error
    return parse(cast("DictConfig", merged))


def flat_keys(composed: DictConfig) -> list[str]:
    """Return the dotted names of all settings of a composed configuration."""

    def walk(node: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, value in node.items():
            yield f"{prefix}{name}"
            if isinstance(value, dict):
                yield from walk(cast("dict[str, Any]", value), f"{prefix}{name}.")

    tree = cast("dict[str, Any]", OmegaConf.to_container(composed, resolve=False))
    return [key for key in walk(tree, "") if not key.startswith("hydra")]


def _unknown_keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """Yield the keys that ``+key=value`` carried past the schema."""
    kind = OmegaConf.get_type(node)
    if kind is None or not is_dataclass(kind):
        return
    types = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    for key in (str(k) for k in node):
        if key not in names:
            yield prefix + key
        elif is_dataclass(types[key]):
            child = OmegaConf.select(node, key)
            yield from _unknown_keys(cast("DictConfig", child), f"{prefix}{key}.")


def _validate(config: RunConfig) -> None:
    """Refuse values that no run can use, in the words of the command line."""
    for key, value, rule, holds in _rules(config):
        if not holds:
            raise UsageError(f"{key} must be {rule}, got {value}")
    for key, value, choices in (
        ("precision", config.precision, PRECISIONS),
        ("wandb.mode", config.wandb.mode, WANDB_MODES),
        ("objective.concrete_density", config.objective.concrete_density, CONCRETE_DENSITIES),
    ):
        if value not in choices:
            hint = nearest(value, choices)
            raise UsageError(f"{key} must be one of {', '.join(choices)}, got '{value}'", hint)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", config.device):
        hint = nearest(config.device, ("auto", "cpu", "cuda", "mps"))
        raise UsageError(f"device must be one of auto, cuda, mps, cpu, got '{config.device}'", hint)
    if "/" in config.name or not config.name.strip():
        raise UsageError(
            f"name must be a plain word, since it ends the run folder's name, got '{config.name}'"
        )


def _rules(config: RunConfig) -> Iterator[tuple[str, Any, str, bool]]:
    """Yield (key, value, what the value must be, whether it is)."""
    whole: dict[str, tuple[int, int]] = {  # value, smallest allowed
        "steps": (config.steps, 1),
        "batch_size": (
            config.batch_size,
            2,
        ),  # the estimate of q(z) needs another encoding than its own
        "prior.dimensions": (config.prior.dimensions, 1),
        "prior.groups": (config.prior.groups, 1),
        "training.record_every": (config.training.record_every, 1),
        "evaluation.encodings": (config.evaluation.encodings, 2),
        "evaluation.map_points": (config.evaluation.map_points, 10),
        "evaluation.traversal_steps": (config.evaluation.traversal_steps, 2),
    }
    for key, (value, least) in whole.items():
        yield key, value, f"at least {least}", value >= least
    yield "seed", config.seed, "between 0 and 2**32 - 1", 0 <= config.seed < 2**32
    positive: dict[str, float | None] = {
        "learning_rate": config.learning_rate,
        "epochs": config.epochs,
        "training.clip_gradient": config.training.clip_gradient,
        "training.checkpoint_minutes": config.training.checkpoint_minutes,
        "evaluation.traversal_range": config.evaluation.traversal_range,
        "likelihood.scale": getattr(config.likelihood, "scale", None),
        "prior.temperature": getattr(config.prior, "temperature", None),
    }
    for key, number in positive.items():
        yield key, number, "a positive number", number is None or 0 < number < math.inf
    if config.prior.dimensions % config.prior.groups:
        wanted = (
            f"a divisor of prior.dimensions={config.prior.dimensions} (groups are of equal size)"
        )
        yield "prior.groups", config.prior.groups, wanted, False
    categories = getattr(config.prior, "categories", None)
    yield (
        "prior.categories",
        categories,
        "at least 2, or null",
        categories is None or categories >= 2,
    )
    yield from _weight_rules(config.objective)


def _weight_rules(objective: ObjectiveConfig) -> Iterator[tuple[str, Any, str, bool]]:
    for name, weight in vars(objective.weights).items():
        may_reward = name == "index_code_mi"  # InfoVAE with alpha > 1 rewards information
        rule = "a finite number" if may_reward else "zero or a positive finite number"
        holds = math.isfinite(weight) and (may_reward or weight >= 0)
        yield f"objective.weights.{name}", weight, rule, holds
    for name, weight in objective.group_information.items():
        yield (
            f"objective.group_information.{name}",
            weight,
            "a finite number",
            math.isfinite(weight),
        )
