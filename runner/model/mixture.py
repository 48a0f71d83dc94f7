"""Priors that are mixtures of normals with diagonal covariances.

Shapes: B samples, V variables, K components, U = V + 1 uniform numbers in (0, 1) for a sample,
C H W image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NoReturn, Self

import torch
from torch import Tensor, nn

from runner.model.independent import columns, normal_log_density, normal_quantile

_PSEUDO_INPUT_NOISE = 0.01
_PSEUDO_INPUT_MARGIN = 0.01


class Mixture(nn.Module):
    """sum_k w_k prod_v N(z_v; loc_kv, scale_kv^2); see ``prior.Prior`` for the methods.

    Tensors that are ``nn.Parameter`` are learned; others become buffers, which keep their gradient.
    """

    loc_KV: Tensor
    scale_KV: Tensor
    logits_K: Tensor

    def __init__(self, loc_KV: Tensor, scale_KV: Tensor, logits_K: Tensor) -> None:
        super().__init__()
        components, self.count = loc_KV.shape
        self.uniform_count = self.count + 1
        self.factorises = components == 1 or self.count == 1
        tensors = {"loc_KV": loc_KV, "scale_KV": scale_KV, "logits_K": logits_K}
        for name, tensor in tensors.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)

    @property
    def scale_V(self) -> Tensor:
        """The standard deviation of each variable over all components."""
        weights_K = self.logits_K.softmax(0)
        loc_V = weights_K @ self.loc_KV
        second_moment_KV = self.scale_KV.square() + (self.loc_KV - loc_V).square()
        return (weights_K @ second_moment_KV).sqrt()

    @property
    def center_V(self) -> Tensor:
        """The mean of the mixture."""
        return self.logits_K.softmax(0) @ self.loc_KV

    def log_marginals(self, z_BV: Tensor) -> Tensor:
        """Return log sum_k w_k N(z_v; loc_kv, scale_kv^2), (V, B)."""
        log_BKV = normal_log_density(z_BV[:, None], self.loc_KV, self.scale_KV)
        return (log_BKV + self.logits_K.log_softmax(0)[:, None]).logsumexp(1).T

    def log_joint(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:
        """Return log sum_k w_k prod_v N(z_v; loc_kv, scale_kv^2) over some variables, (B,)."""
        z_BV, loc_KV, scale_KV = (
            columns(tensor, variables) for tensor in (z_BV, self.loc_KV, self.scale_KV)
        )
        log_BK = normal_log_density(z_BV[:, None], loc_KV, scale_KV).sum(2)
        return (log_BK + self.logits_K.log_softmax(0)).logsumexp(1)

    def rate(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return log q(z|x) - log p(z) at the sample, an unbiased estimate, (B,)."""
        log_qz_x_B = normal_log_density(z_BV, loc_BV, scale_BV).sum(1)
        return log_qz_x_B - self.log_joint(z_BV, range(self.count))

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:
        """Return log q(z_v|x) - log p(z_v) at the sample, an unbiased estimate, (B, V)."""
        return normal_log_density(z_BV, loc_BV, scale_BV) - self.log_marginals(z_BV).T

    def sample(self, uniform_BU: Tensor) -> Tensor:
        """Return a sample, (B, V): the first uniform chooses the component, the others its value.

        Differentiable in the components' locations and scales, not in their weights.
        """
        upper_K = self.logits_K.softmax(0).cumsum(0)
        # The last bound is left out, since rounding may put it below the uniform number.
        component_B = (uniform_BU[:, :1] >= upper_K[:-1]).sum(1)
        standard_BV = normal_quantile(uniform_BU[:, 1:])
        return self.loc_KV[component_B] + self.scale_KV[component_B] * standard_BV

    def with_encoder(self, encode: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Self:  # noqa: ARG002 - needs no encoder
        """Return itself: no encoder is needed."""
        return self


class VampPrior(nn.Module):
    """The mixture of the posteriors of K learned images: p(z) = 1/K sum_k q(z|u_k).

    It has a density only with the encoder (``with_encoder``). The images are sigmoids of learned
    logits; the source clips them, but clipped black or white pixels would have no gradient.

    Source: Tomczak & Welling 2018.
    """

    def __init__(self, images_KCHW: Tensor, count: int) -> None:
        """Take images, to which noise is added to initialise the learned ones, and V."""
        super().__init__()
        self.count, self.uniform_count = count, count + 1
        self.factorises = len(images_KCHW) == 1 or count == 1
        noisy_KCHW = images_KCHW + _PSEUDO_INPUT_NOISE * torch.randn_like(images_KCHW)
        self.logits_KCHW = nn.Parameter(noisy_KCHW.logit(_PSEUDO_INPUT_MARGIN))

    @property
    def pseudo_inputs_KCHW(self) -> Tensor:
        """The learned images, between 0 and 1."""
        return self.logits_KCHW.sigmoid()

    @property
    def scale_V(self) -> Tensor:
        """Raise RuntimeError, as all methods below: only ``with_encoder`` gives a density."""
        _refuse()

    @property
    def center_V(self) -> Tensor:
        """Raise RuntimeError."""
        _refuse()

    def log_marginals(self, z_BV: Tensor) -> Tensor:  # noqa: ARG002 - raises, as those below
        """Raise RuntimeError."""
        _refuse()

    def log_joint(self, z_BV: Tensor, variables: Sequence[int]) -> Tensor:  # noqa: ARG002
        """Raise RuntimeError."""
        _refuse()

    def rate(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:  # noqa: ARG002
        """Raise RuntimeError."""
        _refuse()

    def rate_per_variable(self, loc_BV: Tensor, scale_BV: Tensor, z_BV: Tensor) -> Tensor:  # noqa: ARG002
        """Raise RuntimeError."""
        _refuse()

    def sample(self, uniform_BU: Tensor) -> Tensor:  # noqa: ARG002
        """Raise RuntimeError."""
        _refuse()

    def with_encoder(self, encode: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Mixture:
        """Return the mixture of the posteriors, with gradients to the images and the encoder."""
        loc_KV, scale_KV = encode(self.pseudo_inputs_KCHW)
        return Mixture(loc_KV, scale_KV, loc_KV.new_zeros(len(loc_KV)))


def _refuse() -> NoReturn:
    raise RuntimeError("a VampPrior has a density only with an encoder: call with_encoder first")


def ring(components: int, count: int) -> Tensor:
    """Return locations spread evenly on the unit circle of the first two variables, (K, V)."""
    angle_K = torch.arange(components).double() * (2 * math.pi / components)
    circle_K2 = torch.stack([angle_K.cos(), angle_K.sin()], dim=1)
    loc_KV = torch.zeros(components, count, dtype=torch.double)
    loc_KV[:, :2] = circle_K2
    return loc_KV.to(torch.get_default_dtype())
