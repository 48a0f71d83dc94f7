"""Networks and distributions: q(z|x), p(z) and p(x|z)."""

from __future__ import annotations

from runner.model.densities import Densities
from runner.model.discriminator import build_discriminator
from runner.model.group_rate import group_rate
from runner.model.known_class import given_class, log_q_of_classes
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
    "given_class",
    "group_rate",
    "log_q_of_classes",
]
