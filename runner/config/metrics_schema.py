"""The settings of ``metrics/``: which scores a run is given, and how large they are.

A metric whose settings are null is not computed. Each class holds the keyword arguments of one
metric, but for its seed, which all share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

# ruff: noqa: UP045 - OmegaConf reads Optional, not a union with None


CODES = ("mean", "sampled")
"""What stands for an image: the mean representation, or a draw from q(z|x)."""


@dataclass
class VotesConfig:
    """Of metrics that learn to tell which factor a batch of images shares."""

    train: int
    test: int
    batch: int


@dataclass
class FactorVaeConfig(VotesConfig):
    """Of the FactorVAE score."""

    variance_samples: int
    least_spread: float


@dataclass
class BinnedConfig:
    """Of metrics that count a code's values in bins of equal width."""

    samples: int
    bins: int


@dataclass
class SplitConfig:
    """Of metrics that learn from some images and are scored on others."""

    train: int
    test: int


@dataclass
class IrsConfig(BinnedConfig):
    """Of the interventional robustness score."""

    quantile: float


@dataclass
class DownstreamConfig:
    """Of classifiers that learn each factor from few images and from many."""

    train: list[int]
    test: int


@dataclass
class SamplesConfig:
    """Of metrics with nothing to set but the number of images."""

    samples: int


@dataclass
class NeighboursConfig(SplitConfig):
    """Of the k-nearest-neighbour probe."""

    neighbours: int


@dataclass
class UdrConfig:
    """Of the unsupervised disentanglement ranking, which compares several runs."""

    samples: int
    least_rate: float
    lasso: float


@dataclass
class DensityConfig:
    """Of figures that average over encodings behind an aggregate posterior."""

    samples: int
    encodings: int


@dataclass
class LikelihoodEstimateConfig:
    """Of the importance-weighted log-likelihood."""

    images: int
    samples: int


@dataclass
class MetricsConfig:
    """Which scores are computed, on which codes, from which seed."""

    name: str
    seed: int
    codes: list[str]
    images: Optional[int]
    beta_vae: Optional[VotesConfig]
    factor_vae: Optional[FactorVaeConfig]
    mig: Optional[BinnedConfig]
    mig_density: Optional[DensityConfig]
    dci: Optional[SplitConfig]
    dci_lightgbm: Optional[SplitConfig]
    eastwood_williams: Optional[SplitConfig]
    modularity: Optional[BinnedConfig]
    explicitness: Optional[SplitConfig]
    sap: Optional[SplitConfig]
    irs: Optional[IrsConfig]
    unsupervised: Optional[BinnedConfig]
    udr: Optional[UdrConfig]
    downstream_logistic: Optional[DownstreamConfig]
    downstream_boosted: Optional[DownstreamConfig]
    hoyer_sparsity: Optional[SamplesConfig]
    linear_probe: Optional[SplitConfig]
    neighbour_probe: Optional[NeighboursConfig]
    clustering: Optional[SamplesConfig]
    information: Optional[DensityConfig]
    reconstruction: Optional[SamplesConfig]
    log_likelihood: Optional[LikelihoodEstimateConfig]
    pruning: Optional[DensityConfig]
