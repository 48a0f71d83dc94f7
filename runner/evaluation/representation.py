"""What the evaluation sees of a trained model, whatever kind of model it is.

A trained run gives a :class:`Representation`. Of a VAE it is
:class:`runner.model.representation.VaeRepresentation`; another kind of model is evaluated by giving
one of its own.

Shapes: B images or codes, M encodings, W columns of z, P parameters of q(z|x), V variables, K
categories, A atoms (see ``objective.aggregate_posterior``), U uniform numbers, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor

from runner.errors import UsageError
from runner.objective import LogDensities, Node


class LatentDensities(Protocol):
    """The densities q(z|x) and p(z), with discrete variables as categorical ones. Units: nats."""

    @property
    def tree(self) -> Node:
        """All variables by number; the children are the groups."""
        ...

    @property
    def variable_names(self) -> Sequence[str]:
        """Names of the variables, the discrete ones first."""
        ...

    @property
    def group_names(self) -> Sequence[str]:
        """Names of the groups, in order."""
        ...

    @property
    def columns(self) -> Mapping[str, slice]:
        """The columns of z of each variable."""
        ...

    @property
    def width(self) -> int:
        """W, the columns of z."""
        ...

    @property
    def uniform_count(self) -> int:
        """U, the uniform numbers behind a sample from p(z)."""
        ...

    @property
    def prior_std(self) -> Mapping[str, float]:
        """The standard deviation of each continuous variable under p(z)."""
        ...

    @property
    def only_normals_sampled(self) -> bool:
        """Whether every variable is normal or enumerated."""
        ...

    @property
    def components(self) -> int:
        """How many normals q(z_v|x) of a continuous variable is a mixture of."""
        ...

    def densities(
        self, z_BW: Tensor, parameters_BP: Tensor, encodings_MP: Tensor, *, pairs: bool = True
    ) -> LogDensities:
        """Return the log-densities of samples under all encodings, their own, and the prior.

        Without ``pairs`` those of sampled variables under other encodings are left out.
        """
        ...

    def rate(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z|x)||p(z)), (B,)."""
        ...

    def rate_per_variable(self, z_BW: Tensor, parameters_BP: Tensor) -> Tensor:
        """Return KL(q(z_v|x)||p(z_v)) of every variable, (B, V)."""
        ...

    def log_q_categories(self, parameters_MP: Tensor) -> Sequence[Tensor]:
        """Return log q(k|x_j) of every discrete variable, (K, M) each."""
        ...

    def log_q_and_p(self, z_BW: Tensor, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return log q(z|x) and log p(z) of samples, (B,) each."""
        ...

    def log_pz(self, z_BW: Tensor, variables: Sequence[int]) -> Tensor:
        """Return log p of some variables together, (A or 1, B)."""
        ...

    def posterior(self, parameters_BP: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and standard deviations of the continuous variables, (B, V) each."""
        ...

    def covariance_given_image(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean over the images of the continuous variables' Cov(z|x), (V, V)."""
        ...

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        """Return the continuous variables of z, (B, V)."""
        ...

    def sample_prior(self, uniform_BU: Tensor) -> Tensor:
        """Return samples from p(z), (B, W)."""
        ...

    def prior_center(self, like: Tensor) -> Tensor:
        """Return the code in the middle of p(z), (W,), with the dtype and device of ``like``."""
        ...


class Classifier(Protocol):
    """A discrete variable y of a model whose categories are the classes of the images."""

    @property
    def variable(self) -> str:
        """Its name."""
        ...

    def given_class(self, parameters_BP: Tensor, class_B: Tensor) -> Tensor:
        """Return the parameters of q(z|x, y), (B, P): those of q(z|x) with y certain."""
        ...

    def log_q(self, parameters_BP: Tensor) -> Tensor:
        """Return log q(y|x) of every class, (K, B), in nats."""
        ...


class Representation(Protocol):
    """A trained model: images become codes and codes images.

    "Stored" images are those that a dataset's split returns. ``latents`` is None where the model
    has no densities, as a deterministic code: then only scores of its codes and of its
    reconstructions are there.
    """

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    @property
    def columns(self) -> Mapping[str, slice]:
        """The columns of z of each variable, in order."""
        ...

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """The columns of z at every category of each discrete variable, (K, its width)."""
        ...

    @property
    def values(self) -> Mapping[str, Tensor]:
        """The numbers that a variable of one column takes, (K,), where there are K of them.

        They ascend, and K is one for all. Absent are variables that take any number, and those of
        ``category_values``, whose values have no order.
        """
        ...

    @property
    def latents(self) -> LatentDensities | None:
        """The densities q(z|x) and p(z), where it has them."""
        ...

    @property
    def classifier(self) -> Classifier | None:
        """The discrete variable y that is trained with labels, where there is one."""
        ...

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the parameters of q(z|x), or what else stands for a stored image, (B, P)."""
        ...

    def bulk_encoder(self) -> Callable[[Tensor], Tensor]:
        """Return a function like ``encode`` that is faster for a whole dataset."""
        ...

    def mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean codes, (B, W): means, and probabilities of categories."""
        ...

    def sample(self, parameters_BP: Tensor, source: Generator) -> Tensor:
        """Return a sample of each code, (B, W), discrete variables as categories."""
        ...

    def code_given(
        self, parameters_BP: Tensor, categories: Mapping[str, int] | None = None
    ) -> Tensor:
        """Return codes at categories of discrete variables, (B, W), else the most probable ones.

        Continuous variables have their means given these.
        """
        ...

    def sample_prior(self, samples: int, source: Generator) -> Tensor | None:
        """Return samples from p(z), (B, W), where there is one to sample from."""
        ...

    def discretise(self, z_BW: Tensor) -> Tensor:
        """Return codes with every discrete variable at its most probable category, (B, W)."""
        ...

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        """Return the continuous variables of codes, (B, V)."""
        ...

    def decode(self, z_BW: Tensor) -> Tensor:
        """Return the expected images, (B, C, H, W); pixels between 0 and 1."""
        ...

    def log_px_z(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return log p(x|z) of stored images, (B,), in nats."""
        ...

    def reconstruction_errors(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return the mean squared error per pixel, and -log p(x|z) in nats, of images, (2, B)."""
        ...


@runtime_checkable
class HasLoadings(Protocol):
    """A representation that says which values of an example go with each column of its codes."""

    def loadings(self) -> Tensor:
        """Return how much a larger value of each column favours each value, (W, C*H*W).

        Only the order of the values of a column has a meaning.
        """
        ...


def densities_of(model: Representation, score: str) -> LatentDensities:
    """Return the densities of a model for a score that needs them.

    Raises: UsageError for a model that has none, as a deterministic code.
    """
    if model.latents is None:
        raise UsageError(f"{score} needs densities q(z|x) and p(z): a deterministic code has none")
    return model.latents
