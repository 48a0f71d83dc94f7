"""Synthetic codes, for which the scores are known or can be compared with a definition.

Shapes: N images, D dimensions of a code, F factors.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from runner.metric import Codes, Variable


def grid(*sizes: int) -> np.ndarray:
    """Return all combinations of factors with these numbers of values, (N, F)."""
    return np.array(list(product(*(range(size) for size in sizes))))


def ideal(*sizes: int, complete: bool = False) -> Codes:
    """Return codes whose dimensions are one factor each, reversed and rescaled; at most four."""
    factors_NF = grid(*sizes)
    scales = np.array([-3.0, 0.01, 40.0, 1.0])[: len(sizes)]
    return Codes.of((factors_NF * scales + 5.0)[:, ::-1], factors_NF, complete=complete)


def rotated(size: int) -> Codes:
    """Return two factors of the same size, rotated by 45 degrees."""
    factors_NF = grid(size, size)
    rotation = np.array([[1.0, 1.0], [1.0, -1.0]])
    return Codes.of(factors_NF @ rotation, factors_NF)


def noise(*sizes: int, copies: int = 1, dimensions: int = 3, seed: int = 0) -> Codes:
    """Return codes that are independent of the factors, for some copies of the grid."""
    factors_NF = np.tile(grid(*sizes), (copies, 1))
    codes_ND = np.random.default_rng(seed).normal(size=(len(factors_NF), dimensions))
    return Codes.of(codes_ND, factors_NF)


def random(
    *,
    seed: int,
    images: int = 400,
    dimensions: int = 4,
    sizes: tuple[int, ...] = (3, 6, 25),
    complete: bool = False,
) -> Codes:
    """Return noisy sparse mixtures of random factors."""
    source = np.random.default_rng(seed)
    factors_NF = source.integers(sizes, size=(images, len(sizes)))
    mixing = source.normal(size=(len(sizes), dimensions)) * source.integers(
        2, size=(len(sizes), dimensions)
    )
    noise_ND = source.normal(size=(images, dimensions))
    return Codes.of(factors_NF / sizes @ mixing * 3 + noise_ND, factors_NF, complete=complete)


def mixed(*sizes: int, noise: float = 0.2, seed: int = 0) -> Codes:
    """Return a random linear mixture of the factors in F + 1 dimensions, plus noise."""
    factors_NF, source = grid(*sizes), np.random.default_rng(seed)
    mixing = source.normal(size=(len(sizes), len(sizes) + 1))
    noise_ND = noise * source.normal(size=(len(factors_NF), len(sizes) + 1))
    return Codes.of(factors_NF @ mixing + noise_ND, factors_NF, complete=True)


def repeated(codes: Codes, copies: int) -> Codes:
    """Return the images of these codes, this many times each."""
    rows = np.tile(np.arange(len(codes)), copies)
    return Codes.of(codes.codes_ND[rows], codes.factors_NF[rows], variables=codes.variables)


def with_constant(codes: Codes, value: float = 0.1) -> Codes:
    """Return the same codes with a further, constant dimension."""
    constant_N1 = np.full((len(codes), 1), value)
    return Codes.of(np.hstack([codes.codes_ND, constant_N1]), codes.factors_NF)


def constant(*sizes: int, dimensions: int = 3, value: float = 0.1, complete: bool = False) -> Codes:
    """Return the same code for every image."""
    factors_NF = grid(*sizes)
    codes_ND = np.full((len(factors_NF), dimensions), value)
    return Codes.of(codes_ND, factors_NF, complete=complete)


def one_hot(*sizes: int, complete: bool = False) -> Codes:
    """Return the first factor as a discrete variable, and the others as one dimension each.

    The columns of the discrete variable are probabilities; that of the true value is the largest.
    """
    factors_NF = grid(*sizes)
    share_NS = np.eye(sizes[0])[factors_NF[:, 0]] * 0.5 + 0.5 / sizes[0]
    variables = [
        Variable("class", slice(0, sizes[0])),
        *(Variable(f"z_{i}", slice(sizes[0] + i, sizes[0] + i + 1)) for i in range(len(sizes) - 1)),
    ]
    codes_ND = np.hstack([share_NS, factors_NF[:, 1:].astype(float)])
    return Codes.of(codes_ND, factors_NF, variables=variables, complete=complete)
