"""Codes whose scores are known beforehand.

Shapes: N images, D dimensions of a code, F factors.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from runner.metric import Codes, Variable


def grid(*sizes):
    """Every combination of factors with so many values, (N, F)."""
    return np.array(list(product(*(range(size) for size in sizes))))


def ideal(*sizes):
    """Each factor in a dimension of its own, in another order and scale; all images."""
    factors_NF = grid(*sizes)
    scales = np.array([-3.0, 0.01, 40.0, 1.0])[: len(sizes)]
    return Codes.of((factors_NF * scales + 5.0)[:, ::-1], factors_NF)


def rotated(size):
    """Two factors of as many values, each dimension half of both: a turn by 45 degrees."""
    factors_NF = grid(size, size)
    turn = np.array([[1.0, 1.0], [1.0, -1.0]])
    return Codes.of(factors_NF @ turn, factors_NF)


def noise(*sizes, copies=1, dimensions=3, seed=0):
    """Codes that know nothing of the factors."""
    factors_NF = np.tile(grid(*sizes), (copies, 1))
    codes_ND = np.random.default_rng(seed).normal(size=(len(factors_NF), dimensions))
    return Codes.of(codes_ND, factors_NF)


def random(*, seed, images=400, dimensions=4, sizes=(3, 6, 25), complete=False):
    """Codes that know something of each factor, some in several dimensions."""
    source = np.random.default_rng(seed)
    factors_NF = source.integers(sizes, size=(images, len(sizes)))
    mixing = source.normal(size=(len(sizes), dimensions)) * source.integers(
        2, size=(len(sizes), dimensions)
    )
    noise_ND = source.normal(size=(images, dimensions))
    return Codes.of(factors_NF / sizes @ mixing * 3 + noise_ND, factors_NF, complete=complete)


def repeated(codes, copies):
    """The same images so many times."""
    rows = np.tile(np.arange(len(codes)), copies)
    return Codes.of(codes.codes_ND[rows], codes.factors_NF[rows], variables=codes.variables)


def with_dead(codes, value=0.1):
    """The same codes with a further dimension that never varies."""
    dead_N1 = np.full((len(codes), 1), value)
    return Codes.of(np.hstack([codes.codes_ND, dead_N1]), codes.factors_NF)


def all_dead(*sizes, dimensions=3, value=0.1):
    factors_NF = grid(*sizes)
    return Codes.of(np.full((len(factors_NF), dimensions), value), factors_NF)


def one_hot(*sizes):
    """A discrete variable for the first factor, whose columns say its value, and one number each.

    Probabilities, of which that of the value is the largest.
    """
    factors_NF = grid(*sizes)
    share_NS = np.eye(sizes[0])[factors_NF[:, 0]] * 0.5 + 0.5 / sizes[0]
    columns = [share_NS, factors_NF[:, 1:].astype(float)]
    kinds = [
        Variable("class", slice(0, sizes[0])),
        *(Variable(f"z_{i}", slice(sizes[0] + i, sizes[0] + i + 1)) for i in range(len(sizes) - 1)),
    ]
    return Codes.of(np.hstack(columns), factors_NF, variables=kinds)
