"""Networks and distributions: q(z|x), p(z) and p(x|z)."""

from __future__ import annotations

from runner.model.densities import Densities
from runner.model.discriminator import build_discriminator
from runner.model.group_rate import group_rate
from runner.model.latent_space import LatentSpace
from runner.model.likelihood import Likelihood
from runner.model.node import Node
from runner.model.prior import Prior, PriorImages
from runner.model.representation import VaeRepresentation
from runner.model.shapes import NetworkShapes
from runner.model.vae import VAE, build

__all__ = [
    "VAE",
    "Densities",
    "LatentSpace",
    "Likelihood",
    "NetworkShapes",
    "Node",
    "Prior",
    "PriorImages",
    "VaeRepresentation",
    "build",
    "build_discriminator",
    "group_rate",
]
