"""Networks and distributions: q(z|x), p(z) and p(x|z)."""

from __future__ import annotations

from runner.model.prior import Densities, Group, Prior
from runner.model.vae import VAE, build

__all__ = ["VAE", "Densities", "Group", "Prior", "build"]
