"""The typed settings of an objective: five weights, the penalties beside them, the estimators.

A ``Value`` is a number or a schedule; see ``schema`` for what these classes are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from runner.config.count_or_word import FactorCount
from runner.config.schedule import Value

CONCRETE_DENSITIES = ("exact", "drawn", "relaxed", "argmax")
CONCRETE_DRAWS = ("relaxed", "hard")
ENCODING_WEIGHTS = ("stratified", "equal")
MOMENTS = ("means", "codes")
KERNELS = ("rbf", "imq")
SPARSITIES = ("l1", "kl")
CONTRACTIONS = ("exact", "hutchinson")
LABELLED_LOSSES = ("bound", "objective")
CORRUPTIONS = ("masking", "gaussian", "salt_and_pepper")
UNPAIRED = "none"
PAIR_POSTERIORS = (UNPAIRED, "gvae", "ml_vae")
STABILITIES = ("spectral_norm", "gradient_penalty")


@dataclass
class WeightsConfig:
    """One weight per term, dimensionless; all ones is the negative ELBO."""

    reconstruction: Value
    index_code_mi: Value
    group_total_correlation: Value
    within_group_total_correlation: Value
    dimension_wise_kl: Value


STRENGTHS = ("weight", "off_diagonal", "diagonal")
"""Settings of a penalty that switch it off where all that it has of them are zero."""


@dataclass
class CapacityConfig:
    """|rate - nats|."""

    weight: Value
    nats: Value


@dataclass
class MomentsConfig:
    """Distance of a covariance from the identity."""

    of: str
    off_diagonal: Value
    diagonal: Value


@dataclass
class MmdConfig:
    """Maximum mean discrepancy of q(z) and p(z)."""

    weight: Value
    kernel: str
    scales: list[float]
    dimension_wise: bool


@dataclass
class InclusiveKlConfig:
    """KL(p(z)||q(z))."""

    weight: Value


@dataclass
class DiscriminatorConfig:
    """Total correlation by a density ratio that a network learns."""

    weight: Value
    widths: list[int]
    learning_rate: float


@dataclass
class SparsityConfig:
    """Sparsity of the code: its L1 norm, or the KL of its mean activations from a rate."""

    weight: Value
    kind: str
    rate: float


@dataclass
class ContractionConfig:
    """Squared Frobenius norm of the encoder's Jacobian."""

    weight: Value
    estimate: str
    probes: int


@dataclass
class QuantisationConfig:
    """Squared distance of the values of a quantised code from the numbers they stand for."""

    weight: Value


@dataclass
class CommitmentConfig:
    """Squared distance of these numbers from the values of a quantised code."""

    weight: Value


@dataclass
class SupervisionConfig:
    """The loss of images whose class is known, and of their class."""

    weight: Value
    loss: str
    classification: Value
    images: Optional[int]  # noqa: UP045


@dataclass
class PenaltiesConfig:
    """Penalties added to the weighted sum of the terms; a weight of zero is off."""

    capacity: CapacityConfig
    moments: MomentsConfig
    mmd: MmdConfig
    inclusive_kl: InclusiveKlConfig
    discriminator: DiscriminatorConfig
    sparsity: SparsityConfig
    contraction: ContractionConfig
    quantisation: QuantisationConfig
    commitment: CommitmentConfig
    supervision: SupervisionConfig


@dataclass
class CorruptionConfig:
    """Noise on the image that the encoder sees (denoising autoencoder)."""

    kind: str
    amount: Value


@dataclass
class FittedConfig:
    """Settings of methods that are fitted in one step."""

    images: int
    sparsity: float


@dataclass
class PairsConfig:
    """Pairs of images that differ in some factors, with averages of what their posteriors share."""

    posterior: str
    differ: FactorCount


@dataclass
class CodeInformationConfig:
    """Weights of the bound on I(c; G), by the kind of the variables."""

    discrete: float
    continuous: float


@dataclass
class AdversarialConfig:
    """Settings of methods in which a generator plays against a discriminator."""

    stability: str
    gradient_penalty: float
    learning_rate: float
    noise: int
    information: CodeInformationConfig
    encoder_steps: float


@dataclass
class LayerwiseConfig:
    """Settings of methods that are fitted layer by layer."""

    fine_tune: bool


@dataclass
class ObjectiveConfig:
    """The loss: weights of the terms, penalties, and how q(z) is estimated."""

    name: str
    method: str
    weights: WeightsConfig
    levels: list[Value]
    group_information: dict[str, Value]
    group_rate: dict[str, Value]
    penalties: PenaltiesConfig
    corruption: CorruptionConfig
    pairs: PairsConfig
    concrete_density: str
    concrete_draws: str
    fitted: FittedConfig
    adversarial: AdversarialConfig
    layerwise: LayerwiseConfig
    encodings: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    encoding_weights: str
