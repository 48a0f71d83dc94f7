"""The priors p(z) of the continuous latent variables, and the choice among them.

A new prior is a class with the methods of :class:`Prior` and an entry of ``_PRIORS`` here, its
settings in ``config/prior_schema.py`` and its file in ``conf/prior``.

Shapes: B samples, V variables, U uniform numbers in (0, 1) behind a sample, K components, N images,
C H W image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from runner.config.prior_schema import (
    AnisotropicPriorConfig,
    CorrelatedPriorConfig,
    DirichletLaplacePriorConfig,
    LaplacePriorConfig,
    MixturePriorConfig,
    PriorConfig,
    SparsePriorConfig,
    StudentTPriorConfig,
    VampPriorConfig,
)
from runner.errors import UsageError, nearest
from runner.model.correlated import CorrelatedNormal
from runner.model.independent import (
    AnisotropicNormal,
    Independent,
    Laplace,
    SpikeSlab,
    StandardNormal,
    StudentT,
)
from runner.model.mixture import Mixture, VampPrior, ring
from runner.model.principal_variances import principal_variances

_LEAST_EIGENVALUE = 1e-5  # of a correlation; float32 factors none that is closer to singular


class Prior(Protocol):
    """p(z) over V continuous variables, whose posterior q(z|x) is a diagonal normal.

    Every prior is an ``nn.Module``. Units: nats.
    """

    @property
    def count(self) -> int:
        """V, the number of variables."""
        ...

    @property
    def uniform_count(self) -> int:
        """U, the uniform numbers in (0, 1) behind one sample."""
        ...

    @property
    def factorises(self) -> bool:
        """Whether p(z) = prod_v p(z_v), so that its own total correlation is zero."""
        ...

    @property
    def scale_V(self) -> Tensor:
        """The standard deviation of each variable, or its scale where the variance is infinite."""
        ...

    @property
    def center_V(self) -> Tensor:
        """The mean of each variable, or the median where it has no mean."""
        ...

    def log_marginals(self, z_BV: Tensor) -> Tensor:
        """Return log p(z_v), (V, B)."""
        ...

    def log_joint(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:
        """Return the log-density of some of the variables, the others integrated out, (B,)."""
        ...

    def rate(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return KL(q(z|x)||p(z)), (B,): closed form, or else the estimate at the sample z."""
        ...

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of each variable and its marginal, (B, V), likewise."""
        ...

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return a sample from p(z), (B, V)."""
        ...

    def with_encoder(self, encode: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Prior:
        """Return the prior with its density: itself, unless that depends on the encoder.

        Shapes: encode maps images (K, C, H, W) to (loc_KV, scale_KV).
        """
        ...


@dataclass(frozen=True)
class PriorImages:
    """The images that a prior may be initialised from."""

    shape: tuple[int, int, int]
    training: Callable[[], Tensor]


def build_prior(
    config: PriorConfig, shape: tuple[int, int, int], images: Callable[[], Tensor]
) -> Prior:
    """Return the prior that a configuration names.

    Shapes: shape is (C, H, W); images() returns training images, (N, C, H, W), and is called only
    if the prior depends on them.
    Raises: UsageError naming the setting that is invalid, and what it must be.
    """
    if config.name not in _PRIORS:
        choices = ", ".join(_PRIORS)
        hint = nearest(config.name, _PRIORS)
        raise UsageError(f"prior.name must be one of {choices}, got '{config.name}'", hint)
    return _PRIORS[config.name](config, PriorImages(shape, images))


def _normal(config: PriorConfig, _: PriorImages) -> Prior:
    return Independent(StandardNormal(config.dimensions))


def _anisotropic(config: AnisotropicPriorConfig, images: PriorImages) -> Prior:
    if config.variances == "pca":
        try:
            variances_V = principal_variances(images.training(), config.dimensions)
        except ValueError as error:
            hint = "take fewer prior.dimensions"
            raise UsageError(f"prior.variances must be a list: {error}", hint) from error
    else:
        variances_V = torch.tensor(config.variances, dtype=torch.get_default_dtype())
    return Independent(AnisotropicNormal(variances_V, config.total, learned=config.learned))


def _dirichlet_laplace(config: DirichletLaplacePriorConfig, _: PriorImages) -> Prior:
    """Return the normal that approximates a symmetric Dirichlet after a softmax (MacKay 1998).

    Laplace's approximation in the basis of the softmax has the mean 0 and, in each of K variables,
    the variance (1/a)(1 - 2/K) + 1/(K a), where a is the concentration.
    """
    proportions, a = config.dimensions, config.concentration
    variance = (1 - 2 / proportions) / a + 1 / (proportions * a)
    return Independent(AnisotropicNormal(torch.ones(proportions), variance, learned=False))


def _laplace(config: LaplacePriorConfig, _: PriorImages) -> Prior:
    return Independent(Laplace(config.dimensions, config.scale))


def _student_t(config: StudentTPriorConfig, _: PriorImages) -> Prior:
    return Independent(StudentT(config.dimensions, config.degrees))


def _sparse(config: SparsePriorConfig, _: PriorImages) -> Prior:
    return Independent(SpikeSlab(config.dimensions, config.gamma, config.spike_scale))


def _mixture(config: MixturePriorConfig, _: PriorImages) -> Prior:
    loc_KV = _mixture_means(config)
    scale_KV = torch.full_like(loc_KV, math.sqrt(config.variance))
    logits_K = torch.zeros_like(loc_KV[:, 0])
    if config.learned:
        return Mixture(nn.Parameter(loc_KV), scale_KV, nn.Parameter(logits_K))
    return Mixture(loc_KV, scale_KV, logits_K)


def _mixture_means(config: MixturePriorConfig) -> Tensor:
    """Return the components' means, (K, V)."""
    if config.means == "random":
        return torch.randn(config.components, config.dimensions)
    if config.means == "ring":
        return ring(config.components, config.dimensions)
    return torch.tensor(config.means, dtype=torch.get_default_dtype())


def _vamp(config: VampPriorConfig, images: PriorImages) -> Prior:
    pseudo_inputs, training_NCHW = config.pseudo_inputs, images.training()
    rule = f"from 1 to the {len(training_NCHW)} training images"
    holds = 1 <= pseudo_inputs <= len(training_NCHW)
    _require("pseudo_inputs", pseudo_inputs, rule, holds=holds)
    chosen_K = torch.randperm(len(training_NCHW))[:pseudo_inputs].to(training_NCHW.device)
    start_KCHW = training_NCHW[chosen_K].reshape(pseudo_inputs, *images.shape)
    return VampPrior(start_KCHW, config.dimensions)


def _correlated(config: CorrelatedPriorConfig, _: PriorImages) -> Prior:
    value, dimensions = config.correlation, config.dimensions
    if isinstance(value, list):
        matrix_VV = torch.tensor(value, dtype=torch.double)
    else:
        matrix_VV = torch.full((dimensions, dimensions), float(value), dtype=torch.double)
        matrix_VV.fill_diagonal_(1)
    definite = torch.linalg.eigvalsh(matrix_VV)[0].item() > _LEAST_EIGENVALUE
    _require("correlation", value, "positive definite, and not nearly singular", holds=definite)
    return CorrelatedNormal(matrix_VV.to(torch.get_default_dtype()))


def _require(key: str, value: object, rule: str, *, holds: bool) -> None:
    if not holds:
        raise UsageError(f"prior.{key} must be {rule}, got {value}")


_PRIORS: dict[str, Callable[[Any, PriorImages], Prior]] = {
    "normal": _normal,
    "concrete_normal": _normal,
    "nested": _normal,
    "log_normal": _normal,
    "anisotropic": _anisotropic,
    "dirichlet_laplace": _dirichlet_laplace,
    "laplace": _laplace,
    "student_t": _student_t,
    "mixture": _mixture,
    "sparse": _sparse,
    "vamp": _vamp,
    "correlated": _correlated,
}
"""Name in ``conf/prior`` → function of its settings and the images that returns the prior."""
