"""A search as it is kept in ``grid.json``: method, parameters, metric, and when runs stop early."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, cast

import msgspec

from runner.grid.space.parameter import Number, Parameter

Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]

_MOST_BANDS = 100


class Metric(msgspec.Struct, frozen=True, omit_defaults=True):
    """The number that a search optimises, by its name on W&B."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    goal: Literal["minimize", "maximize"] = "minimize"
    target: Number | None = None
    """Once a run has reached it, no further ones are begun."""

    def is_better(self, value: float, other: float) -> bool:
        """Return whether a value is nearer to the goal than another."""
        return value > other if self.goal == "maximize" else value < other

    def reached(self, value: float) -> bool:
        """Return whether a value is as good as the target, if there is one."""
        return self.target is not None and not self.is_better(self.target, value)


class Hyperband(msgspec.Struct, frozen=True, omit_defaults=True):
    """``early_terminate``: after certain numbers of records, only the best of the runs go on."""

    min_iter: Count | None = None
    max_iter: Count | None = None
    s: Annotated[float, msgspec.Meta(gt=0, le=_MOST_BANDS)] | None = None
    eta: Annotated[float, msgspec.Meta(gt=1, le=1e6)] = 3
    strict: bool = False

    def __post_init__(self) -> None:
        if (self.min_iter is None) == (self.max_iter is None):
            raise ValueError("needs min_iter, or max_iter and s")
        if (self.max_iter is None) != (self.s is None):
            raise ValueError("has s with max_iter, and with it alone")
        if not self.bands:
            raise ValueError("has no record at which a run could stop: eta is above max_iter")

    @property
    def bands(self) -> tuple[int, ...]:
        """The numbers of records after which a run is compared with the others."""
        if self.min_iter is not None:
            upwards = (int(self.min_iter * self.eta**i) for i in range(_MOST_BANDS))
            return tuple(dict.fromkeys(band for band in upwards if band < 2**53))
        most, count = self.max_iter or 0, int(self.s or 0)
        downwards = (int(most / self.eta**i) for i in range(1, count + 1))
        return tuple(sorted({band for band in downwards if band >= 1}))


class Search(msgspec.Struct, frozen=True):
    """What is searched, how, and for how long.

    Raises: ValueError when it is created with a parameter twice, or with nothing to search.
    """

    method: Literal["random", "bayes"]
    parameters: tuple[Parameter, ...]
    metric: Metric
    trials: Count
    """The number of runs."""

    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0
    startup: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10
    """Runs of ``bayes`` that are drawn at random before the others build on what was found."""

    early_terminate: Hyperband | None = None

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) < len(names):
            raise ValueError("a parameter is given twice")
        if not self.searched:
            raise ValueError("no parameter has more than one value")

    @property
    def searched(self) -> tuple[Parameter, ...]:
        """The parameters that differ from run to run."""
        return tuple(each for each in self.parameters if not each.is_constant)

    def overrides(self, moved: Mapping[str, str | Number]) -> tuple[str, ...]:
        """Return the settings of a run, where the variables of the parameters are ``moved``."""
        return tuple(
            f"{each.name}={each.values[0] if each.is_constant else each.text(moved[each.name])}"
            for each in self.parameters
        )

    def makes(self, settings: Sequence[str], moved: Sequence[str | Number]) -> bool:
        """Return whether a run's settings are those of its variables, and within their ranges."""
        named = dict(zip((each.name for each in self.searched), moved, strict=True))
        fits = all(each.variable.takes(named[each.name]) for each in self.searched)
        return fits and tuple(settings) == self.overrides(named)

    def differences(self, other: Search) -> Iterator[tuple[str, str, str]]:
        """Yield (what, its value here, that of another search), but for their numbers of runs."""
        for name in ("method", "metric", "early_terminate", "seed", "startup"):
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                yield name, _shown(here), _shown(there)
        mine, theirs = ({each.name: each for each in search.parameters} for search in (self, other))
        for name in dict.fromkeys((*mine, *theirs)):
            if mine.get(name) != theirs.get(name):
                yield name, _shown(mine.get(name)), _shown(theirs.get(name))


def _shown(value: object) -> str:
    """Return a part of a search in a few words."""
    if value is None:
        return "none"
    if not isinstance(value, msgspec.Struct):
        return str(value)
    parts = cast("dict[str, object]", msgspec.to_builtins(value))
    if isinstance(value, Parameter):
        del parts["name"]
    return " ".join(
        ",".join(map(str, cast("list[object]", part)))
        if isinstance(part, (list, tuple))
        else str(part)
        for part in parts.values()
    )
