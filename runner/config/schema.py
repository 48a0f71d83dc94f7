"""The typed settings of a run: what every key of ``conf/`` may hold.

YAML owns every value and says what each key means, so no field here has a default or a comment.
Hydra composes ``conf/`` against these classes and refuses keys that they lack; ``parse`` turns
the result into plain typed objects and refuses values that make no sense. Types that OmegaConf
lacks are ``Any`` to it alone (see ``typed_fields``). A choice may extend its group's class with
keys of its own (``conf/prior/normal.yaml`` names its class in its first lines).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from runner.config.count_or_word import ImageCount
from runner.config.dataset_schema import DATASET_CHOICES, DatasetConfig
from runner.config.figures_schema import FiguresConfig
from runner.config.metrics_schema import MetricsConfig
from runner.config.objective_schema import ObjectiveConfig
from runner.config.plugin_setting import Plugins, Record
from runner.config.prior_schema import PRIOR_CHOICES, PriorConfig
from runner.config.schedule import Value
from runner.config.training_schema import InitConfig, TrainingConfig, ValidationConfig

GROUPS = (
    "dataset",
    "architecture",
    "prior",
    "likelihood",
    "objective",
    "metrics",
    "experiment",
    "debug",
)
"""The groups of ``conf/``, in the order in which a reader meets them."""

PARTLY_TYPED = ("dataset",)
"""Those of which most choices have no settings of their own, and so no class of their own."""

GRID_GROUPS = ("launcher", "search")
"""The groups of ``conf/`` that belong to a grid and not to a run."""

WEIGHT_NAMES = ("alpha", "beta", "gamma")
"""The three weights of the command line; what each of them weighs is the objective's to say."""

INPUTS = ("log", "counts")
CONDITIONAL_HEADS = ("shared", "separate")
PRECISIONS = ("float32", "bf16")
WANDB_MODES = ("auto", "online", "offline", "disabled")
TRACKERS = ("wandb", "tensorboard", "csv")


@dataclass
class ArchitectureConfig:
    """The networks."""

    name: str
    conditional: bool
    conditional_head: str


@dataclass
class MlpConfig(ArchitectureConfig):
    """Fully connected networks."""

    widths: list[int]
    activation: str
    tied: bool


@dataclass
class ConvConfig(ArchitectureConfig):
    """Convolutional networks."""

    features: int


@dataclass
class AnySizeConfig(ArchitectureConfig):
    """A convolutional network for images of any size."""

    features: int
    channels: int
    smallest: int


@dataclass
class BroadcastConfig(ArchitectureConfig):
    """A decoder that draws every place by itself, and a fully connected encoder."""

    widths: list[int]
    channels: int
    layers: int
    cell: int


@dataclass
class ProdldaConfig(ArchitectureConfig):
    """A decoder that multiplies topics, and its encoder."""

    widths: list[int]
    dropout: float
    inputs: str


@dataclass
class NvdmConfig(ArchitectureConfig):
    """A fully connected encoder and a linear decoder."""

    widths: list[int]
    activation: str


@dataclass
class LikelihoodConfig:
    """p(x|z): the distribution of an image given the decoder's output."""

    name: str


@dataclass
class ScaledConfig(LikelihoodConfig):
    """Pixels with a density around a mean: normal or Laplace."""

    scale: float
    learned: bool
    mean: str


@dataclass
class CategoricalConfig(LikelihoodConfig):
    """Pixels of a few grey levels."""

    levels: int


@dataclass
class EvaluationConfig:
    """Sizes of the final evaluation: encodings, points of the map, traversals."""

    encodings: ImageCount
    map_points: int
    traversal_steps: int
    traversal_range: float
    class_samples: int
    checkpoint: str


@dataclass
class TrackingConfig:
    """Where the records of a run go, and the images that are drawn while it trains."""

    to: list[str]
    images_every: Optional[int]  # noqa: UP045


@dataclass
class WandbConfig:
    """Where the run appears on W&B."""

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
    alpha: Value
    beta: Value
    gamma: Value
    seed: int
    steps: int
    epochs: Optional[float]  # noqa: UP045
    batch_size: int
    labels: Optional[ImageCount]  # noqa: UP045
    label_seed: Optional[int]  # noqa: UP045
    learning_rate: Value
    device: str
    precision: str
    data_dir: str
    out: str
    name: str
    sweep_name: Optional[str]  # noqa: UP045
    init_from: Optional[str]  # noqa: UP045
    init: InitConfig
    training: TrainingConfig
    validation: ValidationConfig
    evaluation: EvaluationConfig
    figures: FiguresConfig
    metrics: MetricsConfig
    tracking: TrackingConfig
    wandb: WandbConfig
    plugins: Plugins = field(default_factory=list[Record])
    """Runs of versions that knew no own pieces do not have it."""


CHOICES: dict[str, dict[str, type]] = {
    "dataset": {**DATASET_CHOICES},
    "architecture": {
        "mlp": MlpConfig,
        "conv64": ConvConfig,
        "conv32": ConvConfig,
        "conv28": ConvConfig,
        "conv": AnySizeConfig,
        "broadcast": BroadcastConfig,
        "prodlda": ProdldaConfig,
        "nvdm": NvdmConfig,
    },
    "prior": PRIOR_CHOICES,
    "likelihood": {
        "bernoulli": LikelihoodConfig,
        "continuous_bernoulli": LikelihoodConfig,
        "gaussian": ScaledConfig,
        "laplace": ScaledConfig,
        "categorical": CategoricalConfig,
        "multinomial": LikelihoodConfig,
    },
}
"""Choices whose YAML has keys beyond the group's own: group → name → class."""
