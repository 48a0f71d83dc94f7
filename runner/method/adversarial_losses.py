"""What generator, discriminator and encoder of a GAN minimise.

The two players have the logistic losses of Goodfellow et al. 2014, of which the generator's is the
non-saturating one. The encoder, q(c|x), maximises the variational lower bound on I(c; G) of InfoGAN
(Chen et al. 2016; Barber & Agakov 2003), E[log q(c|G(n, c)) - log p(c)].

Shapes: B images, C H W image, W columns of a code c, P parameters of q(c|x).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from runner.model import LatentSpace
from runner.model.variables import Normals


def discriminator_loss(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return -E log D(x) - E log(1 - D(G)), of logits of D, in nats."""
    return F.softplus(-real_B).mean() + F.softplus(generated_B).mean()


def generator_loss(generated_B: Tensor) -> Tensor:
    """Return -E log D(G), of logits of D, in nats."""
    return F.softplus(-generated_B).mean()


def squared_gradient(score: Callable[[Tensor], Tensor], images_BCHW: Tensor) -> Tensor:
    """Return the mean over images of the squared gradient of their score, differentiable.

    Half of it, weighted, is the penalty R1 of Mescheder et al. 2018.
    """
    images_BCHW = images_BCHW.detach().requires_grad_()
    total = score(images_BCHW).sum()
    (gradient_BCHW,) = torch.autograd.grad(total, images_BCHW, create_graph=True)
    return gradient_BCHW.square().flatten(1).sum(1).mean()


def information_bounds(
    latents: LatentSpace, z_BW: Tensor, parameters_BP: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the bounds on I(c; G) of the discrete and of the continuous variables, in nats.

    Args:
        latents: the variables, and p(c).
        z_BW: the codes that images were generated from, discrete variables as categories.
        parameters_BP: those of q(c|x) of these images.

    Raises: TypeError for a deterministic code.
    """
    if not isinstance(latents.continuous, Normals):
        raise TypeError("a deterministic code has no density")
    block, prior = replace(latents.discrete, density="argmax"), latents.required_prior
    width = block.width
    z_BV, rest_BP = z_BW[:, width:], parameters_BP[:, width:]
    log_q_B = latents.continuous.log_own(z_BV, rest_BP).sum(0)
    continuous = (log_q_B - prior.log_joint(z_BV, range(prior.count))).mean()
    if not block.variables:
        return torch.zeros_like(continuous), continuous
    own_VB = block.log_q_own(z_BW[:, :width], parameters_BP[:, :width])
    discrete_B = (own_VB - block.log_p_sampled(z_BW[:, :width])).sum(0)
    return discrete_B.mean(), continuous
