"""What no prior can use is refused as the settings are read, before anything is built."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.config import RunConfig
from runner.errors import UsageError

Composed = Callable[..., RunConfig]

REFUSED = [
    (("++prior.discrete={x: 1}",),
     "prior.discrete.x must be a number of categories, bernoulli, or the probability of a one, "
     "got 1"),
    (("prior.groups=3",),
     "prior.groups must name groups, like {a: [z_0, z_1], b: [z_2]}, got 3"),
    (("prior.groups={a: [z_0], b: {c: 4}}",),
     "prior.groups.b.c must be a list of variables or name further groups, got 4"),
    (("prior=anisotropic", "prior.dimensions=2", "prior.variances=[1,0]"),
     "prior.variances must be pca, or a list of 2 (prior.dimensions) positive numbers, got [1, 0]"),
    (("prior=anisotropic", "prior.total=0"), "prior.total must be a positive number, got 0.0"),
    (("prior=student_t", "prior.degrees=0.5"),
     "prior.degrees must be a number of at least 1, got 0.5"),
    (("prior=sparse", "prior.gamma=1"),
     "prior.gamma must be a number from 0 to below 1, got 1.0"),
    (("prior=mixture", "prior.components=0"), "prior.components must be at least 1, got 0"),
    (("prior=mixture", "prior.means=circle"),
     "prior.means must be ring, random, or a list of 4 (prior.components) lists of 10 "
     "(prior.dimensions) numbers, got circle"),
    (("prior=correlated", "prior.dimensions=2", "prior.correlation=[[1,0.1],[0,1]]"),
     "prior.correlation must be symmetric, with ones on its diagonal, got [[1, 0.1], [0, 1]]"),
    (("prior=correlated", "prior.correlation=half"),
     "prior.correlation must be a number, or a list of 10 (prior.dimensions) lists of as many "
     "numbers, got half"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_a_value_that_makes_no_sense_is_refused(
    composed: Composed, words: tuple[str, ...], message: str
):
    with pytest.raises(UsageError) as refused:
        composed(*words)
    assert refused.value.message == message


ACCEPTED = [
    ("++prior.discrete={a: 2, b: bernoulli, c: 0.1, d: null}",),
    ("prior.groups={a: [z_0, z_1], b: {c: [z_2], d: {e: [z_3]}}}",),
    ("prior=anisotropic", "prior.dimensions=2", "prior.variances=[1,0.5]"),
    ("prior=anisotropic", "prior.variances=pca"),
    ("prior=mixture", "prior.components=1", "prior.dimensions=2", "prior.means=[[0,1.5]]"),
    ("prior=mixture", "prior.means=random"),
    ("prior=correlated", "prior.dimensions=2", "prior.correlation=[[1,0.1],[0.1,1]]"),
    ("prior=correlated", "prior.correlation=0"),
]


@pytest.mark.parametrize("words", ACCEPTED)
def test_a_value_that_makes_sense_is_accepted(composed: Composed, words: tuple[str, ...]):
    composed(*words)
