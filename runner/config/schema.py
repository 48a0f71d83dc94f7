"""The typed settings of a run: what every key of ``conf/`` may hold.

YAML owns every value and says what each key means, so no field here has a default or a comment.
Hydra composes ``conf/`` against these classes and refuses keys that they lack; ``parse`` turns
the result into plain typed objects and refuses values that make no sense. A choice may extend its
group's class with keys of its own (``conf/prior/normal.yaml`` names its class in its first lines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

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
    group_size: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`


@dataclass
class NormalPriorConfig(PriorConfig):
    """Normal variables only."""


@dataclass
class ConcreteNormalPriorConfig(PriorConfig):
    """One Concrete variable beside the normals."""

    categories: Optional[int]  # noqa: UP045
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
