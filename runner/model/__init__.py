"""Networks and distributions: q(z|x), p(z) and p(x|z)."""

from __future__ import annotations

from runner.model.discriminator import build_discriminator
from runner.model.latent_space import Densities, LatentSpace
from runner.model.node import Node
from runner.model.representation import VaeRepresentation
from runner.model.vae import VAE, build

__all__ = [
    "VAE",
    "Densities",
    "LatentSpace",
    "Node",
    "VaeRepresentation",
    "build",
    "build_discriminator",
]
