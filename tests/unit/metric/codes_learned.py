"""Codes of which theory says how they score."""

from __future__ import annotations

from itertools import product

import numpy as np

from runner.metric.codes import Codes, Variable

SIZES = (3, 4, 5)
"""Values of the three factors of the small grid."""


def grid(*sizes: int) -> np.ndarray:
    """All combinations of factor values."""
    return np.array(list(product(*(range(size) for size in sizes))))


def ideal(*sizes: int) -> Codes:
    """Each dimension one factor, permuted and rescaled."""
    factors = grid(*sizes)
    order = np.roll(np.arange(len(sizes)), 1)
    return Codes.of(factors[:, order] * np.linspace(-2, 3, len(sizes)), factors, complete=True)


def mixed(*sizes: int, noise: float = 0.2, seed: int = 0) -> Codes:
    """A random linear mixture of the factors, a dimension more than factors, and noise."""
    factors, source = grid(*sizes), np.random.default_rng(seed)
    mixture = source.normal(size=(len(sizes), len(sizes) + 1))
    codes = factors @ mixture + noise * source.normal(size=(len(factors), len(sizes) + 1))
    return Codes.of(codes, factors, complete=True)


def unrelated(*sizes: int, dimensions: int = 3, seed: int = 0) -> Codes:
    """Noise that knows nothing of the factors, over ten copies of the grid."""
    factors = np.tile(grid(*sizes), (10, 1))
    codes = np.random.default_rng(seed).normal(size=(len(factors), dimensions))
    return Codes.of(codes, factors)


def constant(*sizes: int, dimensions: int = 3) -> Codes:
    """The same code for every image."""
    factors = grid(*sizes)
    return Codes.of(np.full((len(factors), dimensions), 0.1), factors, complete=True)


def one_hot(*sizes: int) -> Codes:
    """The first factor as a discrete variable, the others a dimension each."""
    factors = grid(*sizes)
    first = sizes[0]
    variables = [Variable("y", slice(0, first))]
    variables += [Variable(f"z_{d}", slice(d, d + 1)) for d in range(first, first + len(sizes) - 1)]
    codes = np.concatenate([np.eye(first)[factors[:, 0]], factors[:, 1:]], axis=1)
    return Codes.of(codes, factors, variables=variables, complete=True)
