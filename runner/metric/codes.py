"""Codes of images with known factors, and the random samples of them that metrics share.

Shapes: N images that were encoded, M and B images drawn, D dimensions of a code, F factors,
V variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from runner import memory
from runner.errors import UsageError
from runner.metric.factor_values import numbered
from runner.metric.variables import Group, Variable, grouped

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """The codes and factors of M images drawn from a :class:`Codes`."""

    codes_MD: Floats
    factors_MF: Integers

    def __len__(self) -> int:
        return len(self.codes_MD)


@dataclass(frozen=True, eq=False)
class Codes:
    """A table of codes and factors; metrics draw rows from it.

    Create it with :meth:`of`, which checks the arrays: here every factor varies, and its S values
    are the integers 0 to S - 1.
    """

    codes_ND: Floats
    factors_NF: Integers
    factor_names: tuple[str, ...]
    factor_values: tuple[Floats, ...]
    """The values of each factor as they were given, (S,); those of a factor in bins are 0, 1, …."""
    variables: tuple[Variable, ...]
    groups: tuple[Group, ...]
    """The groups that the variables are split into; each is one of its own if none are known."""
    complete: bool
    """Whether these are all images of a full factor grid, each once."""

    @classmethod
    def of(  # noqa: PLR0913 - by keyword, and each has a default
        cls,
        codes_ND: ArrayLike,
        factors_NF: ArrayLike,
        *,
        factor_names: Sequence[str] | None = None,
        variables: Sequence[Variable] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        factor_bins: int | None = None,
        complete: bool = False,
    ) -> Codes:
        """Return checked codes, without the factors that never vary: no score is defined for them.

        Args:
            codes_ND: one row per image; a one-dimensional array is one dimension of the code.
            factors_NF: any whole numbers, or with ``factor_bins`` any numbers; a one-dimensional
                array is one factor. With no column only the scores that take no factors are
                defined.
            factor_names: default ``factor_0``, ``factor_1``, ….
            variables: default one per dimension, ``z_0``, ``z_1``, ….
            groups: names of the variables of each group, by its name; default one per variable.
            factor_bins: factors with fractions, and more different values than this, are cut into
                so many bins of equally many images.
            complete: see the field.

        Raises: UsageError if the arrays differ in length, have fewer than two rows, are not finite
            numbers (codes) or whole numbers (factors), no factor varies, or the groups do not hold
            each variable once.
        """
        codes = _as_columns("codes", codes_ND).astype(np.float64)
        factors = _as_columns("factors", factors_NF)
        if len(codes) != len(factors):
            raise UsageError(f"{len(codes):,} codes but factors of {len(factors):,} images")
        if len(codes) < 2:
            raise UsageError(f"codes of at least two images are needed, got {len(codes)}")
        if not np.isfinite(codes).all():
            row, column = np.argwhere(~np.isfinite(codes))[0]
            raise UsageError(f"codes must be finite numbers, got {codes[row, column]} in row {row}")
        names = tuple(
            factor_names
            if factor_names is not None
            else (f"factor_{i}" for i in range(factors.shape[1]))
        )
        if len(names) != factors.shape[1]:
            raise UsageError(f"{factors.shape[1]} factors but {len(names)} names for them")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UsageError(f"two factors are named '{twice}', and one's scores would be lost")
        columns = [numbered(name, factors[:, i], factor_bins) for i, name in enumerate(names)]
        kept = [i for i, (_, values_S) in enumerate(columns) if len(values_S) > 1]
        if names and not kept:
            raise UsageError("no factor varies, so no score is defined")
        given = tuple(variables or (Variable(f"z_{d}", slice(d, d + 1)) for d in _dims(codes)))
        return cls(
            codes_ND=codes,
            factors_NF=np.array([columns[i][0] for i in kept], np.int64).reshape(-1, len(codes)).T,
            factor_names=tuple(names[i] for i in kept),
            factor_values=tuple(columns[i][1] for i in kept),
            variables=given,
            groups=grouped(given, groups),
            complete=complete,
        )

    def __len__(self) -> int:
        return len(self.codes_ND)

    @property
    def is_grouped(self) -> bool:
        """Whether there are several groups, and one of them has more than one variable."""
        return 1 < len(self.groups) < len(self.variables)

    @property
    def continuous_D(self) -> Integers:
        """The columns of variables that are not discrete."""
        starts = [v.columns.start for v in self.variables if not v.is_discrete]
        return np.array(starts, dtype=np.int64)

    def sample(self, count: int, source: Generator) -> Sample:
        """Return images drawn uniformly.

        From a full grid they are drawn with replacement, so that the factors are independent;
        otherwise without replacement, at most all N.
        """
        if self.complete:
            return self.rows(self.draw_rows(count, source))
        return self.distinct(count, source)

    def distinct(self, count: int, source: Generator) -> Sample:
        """Return different images drawn uniformly, at most all N, from a full grid too."""
        return self.rows(source.permutation(len(self))[:count])

    def split(self, train: int, test: int, source: Generator) -> tuple[Sample, Sample]:
        """Return training and test images, drawn uniformly.

        From a full grid both are drawn with replacement, as in the reference definitions.
        Otherwise they are disjoint: at most a third of the images are for testing, the rest for
        training.
        """
        if self.complete:
            return self.sample(train, source), self.sample(test, source)
        return self.disjoint(train, test, source)

    def disjoint(self, train: int, test: int, source: Generator) -> tuple[Sample, Sample]:
        """Return training and test images without a common one, from a full grid too.

        At most a third of all images are for testing, the rest for training.
        """
        order_N = source.permutation(len(self))
        test = min(test, max(1, len(self) // 3))
        return self.rows(order_N[test:][:train]), self.rows(order_N[:test])

    def rows(self, rows_M: Integers) -> Sample:
        """Return the images of these rows."""
        return Sample(self.codes_ND[rows_M], self.factors_NF[rows_M])

    def subset(self, rows_M: Integers) -> Codes:
        """Return these codes with some of their rows, as a sample of them.

        A factor that does not vary among the rows is left out.

        Raises: UsageError as :meth:`of` does.
        """
        sample = self.rows(rows_M)
        found = Codes.of(
            sample.codes_MD,
            sample.factors_MF,
            factor_names=self.factor_names,
            variables=self.variables,
            groups={group.name: [v.name for v in group.variables] for group in self.groups},
        )
        given = dict(zip(self.factor_names, self.factor_values, strict=True))
        left = zip(found.factor_names, found.factor_values, strict=True)
        values = tuple(given[name][numbers_S.astype(np.int64)] for name, numbers_S in left)
        return replace(found, factor_values=values)

    def values_of(self, sample: Sample) -> Floats:
        """Return the factors' values of images as they were given, (M, F)."""
        columns = zip(self.factor_values, sample.factors_MF.T, strict=True)
        return np.stack([values_S[numbers_M] for values_S, numbers_M in columns], axis=1)

    def draw_rows(self, count: int, source: Generator) -> Integers:
        """Return rows drawn uniformly with replacement, (M,).

        Raises: UsageError when the codes of so many rows do not fit the memory.
        """
        width = 1 + self.codes_ND.shape[1] + self.factors_NF.shape[1]
        memory.require(8 * count * width, f"a score of {count:,} images", "draw fewer samples")
        return source.integers(len(self), size=count)

    def partners(self, rows_B: Integers, factor: int, source: Generator) -> Integers:
        """Return for each row one drawn uniformly from the rows with its value of the factor.

        A row may be its own partner. The result has the shape of ``rows_B``.
        """
        order_N, starts_S = self._by_value[factor]
        value_B = self.factors_NF[rows_B, factor]
        first_B, last_B = starts_S[value_B], starts_S[value_B + 1]
        return order_N[source.integers(first_B, last_B)]

    @cached_property
    def _by_value(self) -> list[tuple[Integers, Integers]]:
        """For each factor the rows sorted by its value, and where each value's rows start."""
        found: list[tuple[Integers, Integers]] = []
        for values_N in self.factors_NF.T:
            counts_S = np.bincount(values_N)
            starts_S1 = np.concatenate([[0], np.cumsum(counts_S)])
            found.append((np.argsort(values_N, kind="stable"), starts_S1))
        return found


def stream(seed: int, name: str) -> Generator:
    """Return a random generator that depends on the seed and the name alone."""
    return np.random.default_rng([seed, *name.encode()])


def _as_columns(what: str, given: ArrayLike) -> NDArray[np.generic]:
    array = np.asarray(given)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or (array.shape[1] == 0 and what == "codes"):
        raise UsageError(f"{what} must be a table, one row per image, got the shape {array.shape}")
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{what} must be numbers, got the type {array.dtype}")
    return array


def _dims(codes_ND: Floats) -> range:
    return range(codes_ND.shape[1])
