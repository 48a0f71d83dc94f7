"""The typed settings of a prior: its variables, its groups, and the density of the continuous ones.

See ``schema`` for what these classes are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


@dataclass
class PriorConfig:
    """The latent space; ``dimensions`` counts its continuous variables."""

    name: str
    dimensions: int
    group_size: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    groups: Any
    discrete: dict[str, Any]
    temperature: Any


@dataclass
class ConcreteNormalPriorConfig(PriorConfig):
    """One Concrete variable beside the normals."""

    categories: Optional[int]  # noqa: UP045


@dataclass
class AnisotropicPriorConfig(PriorConfig):
    """Normal variables of unequal variances."""

    variances: Any
    learned: bool
    total: float


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

    means: Any
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

    correlation: Any


@dataclass
class CodePriorConfig(PriorConfig):
    """No density at all: the deterministic code of an autoencoder."""

    activation: str


PRIOR_CHOICES: dict[str, type] = {
    "normal": PriorConfig,
    "concrete_normal": ConcreteNormalPriorConfig,
    "anisotropic": AnisotropicPriorConfig,
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
}
