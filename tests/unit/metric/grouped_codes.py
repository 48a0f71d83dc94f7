"""Codes in groups of variables, for which the scores of groups are known.

Shapes: N images, D dimensions of a code.
"""

from __future__ import annotations

import numpy as np

from runner.metric import Codes

GROUPS = {"pose": ["z_0", "z_3"], "look": ["z_1"], "rest": ["z_2", "z_4"]}


def turned(*, images: int = 1500, angle: float = np.pi / 4, seed: int = 0) -> Codes:
    """Return factors a and b, of three values each, mixed in a pair of variables, and c in a third.

    The pair is turned by an angle; a fourth and a fifth variable are noise in a group of their own.
    """
    source = np.random.default_rng(seed)
    factors = source.integers(3, size=(images, 3))
    a, b, c = factors.T - 1
    noise_ND = 0.05 * source.normal(size=(images, 3))
    first, second = a + noise_ND[:, 0], b + noise_ND[:, 1]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pair = np.column_stack([first, second]) @ turn
    rest = source.normal(size=(images, 2))
    codes = np.column_stack([pair[:, 0], c + noise_ND[:, 2], rest[:, 0], pair[:, 1], rest[:, 1]])
    return Codes.of(codes, factors, factor_names=["a", "b", "c"], groups=GROUPS)


def alone(codes: Codes) -> Codes:
    """Return the same codes, each variable a group of its own."""
    return Codes.of(codes.codes_ND, codes.factors_NF, factor_names=codes.factor_names)
