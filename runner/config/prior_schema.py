"""The typed settings of a prior: its variables, their groups, and the density p(z).

See ``schema`` for what these classes are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Optional

from runner.config.schedule import Value

if TYPE_CHECKING:
    from typing import TypeAlias

    GroupTree: TypeAlias = "dict[str, GroupTree | list[str]]"
    """Groups by name; each holds further groups or lists variables by name."""
    DiscreteKind = int | float | Literal["bernoulli"] | None
    """Number of categories, probability of a one, a fair coin, or the dataset's classes."""
    Variances = list[float] | Literal["pca"]
    MixtureMeans = list[list[float]] | Literal["ring", "random"]
    Correlation = float | list[list[float]]
    """Of every pair of variables, or the whole matrix."""
else:  # OmegaConf has no types for these unions; ``prior_rules`` checks the values
    GroupTree = DiscreteKind = Variances = MixtureMeans = Correlation = Any


@dataclass
class PriorConfig:
    """The latent space; ``dimensions`` counts its continuous variables."""

    name: str
    dimensions: int
    group_size: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    groups: Optional[GroupTree]  # noqa: UP045
    discrete: dict[str, DiscreteKind]
    temperature: Value


@dataclass
class ConcreteNormalPriorConfig(PriorConfig):
    """One Concrete variable beside the normals."""

    categories: Optional[int]  # noqa: UP045


@dataclass
class AnisotropicPriorConfig(PriorConfig):
    """Normal variables of unequal variances."""

    variances: Variances
    learned: bool
    total: float


@dataclass
class DirichletLaplacePriorConfig(PriorConfig):
    """Normal variables whose softmax is nearly Dirichlet."""

    concentration: float


@dataclass
class LaplacePriorConfig(PriorConfig):
    """Laplace variables."""

    scale: float


@dataclass
class StudentTPriorConfig(PriorConfig):
    """Student-t variables."""

    degrees: float


@dataclass
class MixturePriorConfig(PriorConfig):
    """A mixture of normals with one variance."""

    means: MixtureMeans
    components: int
    variance: float
    learned: bool


@dataclass
class SparsePriorConfig(PriorConfig):
    """A narrow spike and a broad slab for each variable."""

    gamma: float
    spike_scale: float


@dataclass
class VampPriorConfig(PriorConfig):
    """The mixture of the posteriors of learned images."""

    pseudo_inputs: int


@dataclass
class CorrelatedPriorConfig(PriorConfig):
    """Normal variables with a given correlation."""

    correlation: Correlation


@dataclass
class CodePriorConfig(PriorConfig):
    """No density at all: the deterministic code of an autoencoder."""

    activation: str


@dataclass
class QuantisedCodePriorConfig(PriorConfig):
    """A deterministic code whose numbers are the nearest of a few values."""

    values: int
    start: float
    learned: bool


PRIOR_CHOICES: dict[str, type] = {
    "normal": PriorConfig,
    "concrete_normal": ConcreteNormalPriorConfig,
    "anisotropic": AnisotropicPriorConfig,
    "dirichlet_laplace": DirichletLaplacePriorConfig,
    "laplace": LaplacePriorConfig,
    "student_t": StudentTPriorConfig,
    "mixture": MixturePriorConfig,
    "sparse": SparsePriorConfig,
    "vamp": VampPriorConfig,
    "correlated": CorrelatedPriorConfig,
    "log_normal": PriorConfig,
    "nested": PriorConfig,
    "code": CodePriorConfig,
    "sigmoid_code": CodePriorConfig,
    "quantised_code": QuantisedCodePriorConfig,
}
