"""The settings of ``metrics/``: which scores a run is given, and how large they are.

A metric whose settings are null, or that a preset does not list, is not computed. Each class holds
the keyword arguments of one metric except the seed, which all share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

# ruff: noqa: UP045 - OmegaConf reads Optional, not a union with None


CODES = ("mean", "sampled")
"""The code of an image: the mean of q(z|x), or a sample from it."""

PROBES = ("fourier", "mlp", "forest")
"""Families of probes of growing capacity: linear ones of random Fourier features, networks of two
hidden layers, random forests."""

SHARED = ("name", "seed", "codes", "images", "factor_bins", "repeats")
"""The fields of :class:`MetricsConfig` that are of all metrics; each other one is a metric."""


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
    """Of the k-nearest-neighbour probe, and of that of each factor from each group."""

    neighbours: int


@dataclass
class GroupInformationConfig:
    """Of metrics that estimate what groups say about factors from the nearest neighbours."""

    samples: int
    neighbours: int


@dataclass
class LatentInformationConfig(GroupInformationConfig):
    """Of InfoMEC's modularity and compactness of variables."""

    least_range: float
    most_values: int


@dataclass
class ActiveGroupsConfig(GroupInformationConfig):
    """Of InfoMEC's modularity and compactness of groups."""

    least_range: float


@dataclass
class PredictedEntropyConfig(SamplesConfig):
    """Of InfoMEC's explicitness."""

    most_values: int
    held_out: bool


@dataclass
class LossCapacityConfig(SplitConfig):
    """Of DCI-ES: probes of growing capacity, of one family."""

    probe: str
    features: list[int]
    widths: list[int]
    depths: list[int]
    most_classes: int


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
class PerplexityConfig:
    """Of the perplexity of counted words."""

    documents: int
    samples: int


@dataclass
class TopicCoherenceConfig:
    """Of how often the top words of a topic occur together."""

    words: int
    reference: Optional[str]
    window: Optional[int]


@dataclass
class TopicDiversityConfig:
    """Of how few top words topics have in common."""

    words: int


@dataclass
class MetricsConfig:
    """Which scores are computed, on which codes, from which seed."""

    name: str
    seed: int
    codes: list[str]
    images: Optional[int]
    factor_bins: Optional[int] = None
    repeats: Optional[int] = None
    beta_vae: Optional[VotesConfig] = None
    factor_vae: Optional[FactorVaeConfig] = None
    mig: Optional[BinnedConfig] = None
    mig_density: Optional[DensityConfig] = None
    dci: Optional[SplitConfig] = None
    dci_lightgbm: Optional[SplitConfig] = None
    eastwood_williams: Optional[SplitConfig] = None
    modularity: Optional[BinnedConfig] = None
    explicitness: Optional[SplitConfig] = None
    sap: Optional[SplitConfig] = None
    irs: Optional[IrsConfig] = None
    unsupervised: Optional[BinnedConfig] = None
    udr: Optional[UdrConfig] = None
    downstream_logistic: Optional[DownstreamConfig] = None
    downstream_boosted: Optional[DownstreamConfig] = None
    hoyer_sparsity: Optional[SamplesConfig] = None
    linear_probe: Optional[SplitConfig] = None
    neighbour_probe: Optional[NeighboursConfig] = None
    mig_groups: Optional[GroupInformationConfig] = None
    dci_groups: Optional[SplitConfig] = None
    eastwood_williams_groups: Optional[SplitConfig] = None
    sap_groups: Optional[SplitConfig] = None
    modularity_groups: Optional[GroupInformationConfig] = None
    factor_vae_groups: Optional[FactorVaeConfig] = None
    irs_groups: Optional[IrsConfig] = None
    knn: Optional[NeighboursConfig] = None
    clustering: Optional[SamplesConfig] = None
    infom: Optional[LatentInformationConfig] = None
    infoc: Optional[LatentInformationConfig] = None
    infoe: Optional[PredictedEntropyConfig] = None
    infom_groups: Optional[ActiveGroupsConfig] = None
    infoc_groups: Optional[ActiveGroupsConfig] = None
    infoe_groups: Optional[PredictedEntropyConfig] = None
    dci_es: Optional[LossCapacityConfig] = None
    dci_es_groups: Optional[LossCapacityConfig] = None
    information: Optional[DensityConfig] = None
    reconstruction: Optional[SamplesConfig] = None
    log_likelihood: Optional[LikelihoodEstimateConfig] = None
    pruning: Optional[DensityConfig] = None
    perplexity: Optional[PerplexityConfig] = None
    topic_coherence: Optional[TopicCoherenceConfig] = None
    topic_diversity: Optional[TopicDiversityConfig] = None
