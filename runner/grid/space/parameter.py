"""A parameter of a search: W&B's distributions, and the variable that a sampler moves for each.

A choice, a whole number and a number, on a plain or a logarithmic scale, are moved as they are.
The other distributions (normal, beta, weighted choices) are moved as a number u between 0 and 1,
of which the value is the quantile. Values are rounded afterwards, to multiples of ``q`` or to six
digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Literal

import msgspec

from runner.config.written import written

Number = int | float

Distribution = Literal[
    "constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform",
    "q_uniform", "log_uniform", "q_log_uniform", "inv_log_uniform", "log_uniform_values",
    "q_log_uniform_values", "inv_log_uniform_values", "normal", "q_normal", "log_normal",
    "q_log_normal", "beta", "q_beta",
]  # fmt: skip

PARTS: Mapping[str, tuple[str, ...]] = {
    "constant": ("value",),
    "categorical": ("values", "probabilities"),
    "categorical_w_probabilities": ("values", "probabilities"),
    **dict.fromkeys(
        ("int_uniform", "uniform", "log_uniform", "inv_log_uniform", "log_uniform_values",
         "inv_log_uniform_values"), ("min", "max")
    ),
    **dict.fromkeys(("q_uniform", "q_log_uniform", "q_log_uniform_values"), ("min", "max", "q")),
    **dict.fromkeys(("normal", "log_normal"), ("mu", "sigma")),
    **dict.fromkeys(("q_normal", "q_log_normal"), ("mu", "sigma", "q")),
    "beta": ("a", "b"),
    "q_beta": ("a", "b", "q"),
}  # fmt: skip
"""Distribution → what a parameter has beside it."""

USUAL: Mapping[str, Number] = {"q": 1, "mu": 0, "sigma": 1, "a": 1, "b": 1}
"""What W&B takes for a part that is not given; the others must be."""

_UNIT = 2.0**-20, 1 - 2.0**-20
"""The ends of u: the quantiles of 0 and 1 may be infinite."""

_PROBED = 0.01, 0.4, 0.99
"""The u at which the values of an unbounded distribution are tried beforehand."""

_DIGITS = 6


@dataclass(frozen=True)
class Variable:
    """What a sampler moves: one of ``choices``, or a number from ``low`` to ``high``."""

    choices: tuple[str, ...] = ()
    low: Number = 0.0
    high: Number = 1.0
    is_whole: bool = False
    is_logarithmic: bool = False

    def takes(self, moved: str | Number) -> bool:
        """Return whether it can be there."""
        if isinstance(moved, str):
            return moved in self.choices
        return not self.choices and self.low <= moved <= self.high


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A setting and the distribution of its values; ``values`` are in Hydra's grammar.

    Raises: ValueError when it is created with parts that make no distribution.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^\+{0,2}[A-Za-z_][\w./]*\Z", max_length=500)]
    distribution: Distribution
    values: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    min: Number | None = None
    max: Number | None = None
    q: Number | None = None
    mu: Number | None = None
    sigma: Number | None = None
    a: Number | None = None
    b: Number | None = None

    def __post_init__(self) -> None:
        if problem := next(_problems(self), None):
            raise ValueError(problem)

    @property
    def is_constant(self) -> bool:
        """Whether it has the same value in every run."""
        return self.distribution == "constant" or len(self.values) == 1

    @property
    def is_logarithmic(self) -> bool:
        """Whether its values spread evenly over a logarithmic scale."""
        return "log" in self.distribution

    @property
    def variable(self) -> Variable:
        """What a sampler moves for it."""
        kind = self.distribution
        if kind == "categorical" and not self.probabilities:
            return Variable(self.values)
        if kind == "int_uniform":
            return Variable(low=self.min or 0, high=self.max or 0, is_whole=True)
        if "uniform" in kind:
            return Variable(
                low=self._end(lowest=True),
                high=self._end(lowest=False),
                is_logarithmic=self.is_logarithmic,
            )
        return Variable(low=_UNIT[0], high=_UNIT[1])

    def text(self, moved: str | Number) -> str:
        """Return the value of the setting, in Hydra's grammar, where its variable is ``moved``."""
        if isinstance(moved, str):
            return moved
        if self.values:
            bounds = accumulate(self.probabilities)
            above = (i for i, bound in enumerate(bounds) if moved < bound)
            return self.values[next(above, _last_possible(self.probabilities))]
        if self.distribution == "int_uniform":
            return written(int(moved))
        return written(_rounded(self._quantile(moved), self.q, self._bounds()))

    def probes(self) -> tuple[str, ...]:
        """Return a few values that between them stand for all: the ends, and one in the middle."""
        if self.values:
            return self.values
        variable = self.variable
        low, high = variable.low, variable.high
        if "uniform" not in self.distribution:
            tried: tuple[Number, ...] = _PROBED
        elif variable.is_whole:
            tried = low, high
        else:
            tried = low, low + 0.382 * (high - low), high
        return tuple(dict.fromkeys(self.text(each) for each in tried))

    def _end(self, *, lowest: bool) -> float:
        """Return the lowest or highest value of a uniform distribution, whatever its scale."""
        low, high = float(self.min or 0), float(self.max or 0)
        if self.distribution == "inv_log_uniform":  # of 1/x, by its exponents
            low, high = -high, -low
        end = low if lowest else high
        by_exponent = self.distribution in ("log_uniform", "q_log_uniform", "inv_log_uniform")
        return math.exp(end) if by_exponent else end

    def _bounds(self) -> tuple[float, float]:
        if "uniform" not in self.distribution or self.q is not None:
            return -math.inf, math.inf
        return self._end(lowest=True), self._end(lowest=False)

    def _quantile(self, moved: float) -> float:
        if "uniform" in self.distribution:
            return moved
        from scipy import special

        if "beta" in self.distribution:
            return float(special.betaincinv(self.a, self.b, moved))
        normal = float(self.mu or 0) + float(self.sigma or 0) * float(special.ndtri(moved))
        return math.exp(normal) if "log" in self.distribution else normal


def _rounded(value: float, q: Number | None, bounds: tuple[float, float]) -> Number:
    """Return a value as a multiple of ``q``, or with six digits and within its bounds."""
    if q is None:
        return min(max(float(f"{value:.{_DIGITS}g}"), bounds[0]), bounds[1])
    multiple = round(value / q) * q
    whole = float(q).is_integer()
    return int(multiple) if whole else float(f"{multiple:.12g}")


def _last_possible(probabilities: tuple[float, ...]) -> int:
    return max(i for i, probability in enumerate(probabilities) if probability > 0)


def _problems(parameter: Parameter) -> Iterator[str]:
    """Yield what is wrong with a parameter, in words that follow its name."""
    parts = PARTS[parameter.distribution]
    numbers = ("min", "max", "q", "mu", "sigma", "a", "b")
    given = {name: value for name in numbers if (value := getattr(parameter, name)) is not None}
    if not all(math.isfinite(value) for value in given.values()):
        yield "has a number that is not finite"
    if missing := [name for name in numbers if name in parts and name not in given]:
        yield f"needs {missing[0]}"
    if others := [name for name in given if name not in parts]:
        yield f"is {parameter.distribution}, which has no {others[0]}"
    checks = {"min": _of_range, "mu": _of_normal, "values": _of_values, "value": _of_values}
    if parts[0] in checks:
        yield from checks[parts[0]](parameter)
    if not_above := [name for name in ("q", "a", "b") if given.get(name, 1) <= 0]:
        yield f"has {not_above[0]} {given[not_above[0]]}; it must be above 0"


def _of_range(parameter: Parameter) -> Iterator[str]:
    low, high = parameter.min or 0, parameter.max or 0
    if low > high:
        yield f"has min {low} above max {high}"
    if parameter.distribution == "int_uniform" and not _are_whole(low, high):
        yield "is int_uniform, of which min and max must be whole numbers"
    if parameter.distribution.endswith("log_uniform_values") and low <= 0:
        yield f"has min {low} on a logarithmic scale; it must be above 0"
    by_exponent = parameter.distribution in ("log_uniform", "q_log_uniform", "inv_log_uniform")
    if by_exponent and (_overflows(max(abs(low), abs(high)))):
        yield f"is {parameter.distribution}, of which min and max are exponents of e"


def _of_normal(parameter: Parameter) -> Iterator[str]:
    mu, sigma = float(parameter.mu or 0), float(parameter.sigma or 0)
    if sigma < 0:
        yield f"has sigma {sigma}; it must not be negative"
    if "log" in parameter.distribution and _overflows(abs(mu) + 6 * sigma):
        yield f"is {parameter.distribution}, of which mu and sigma are those of the logarithm"


def _of_values(parameter: Parameter) -> Iterator[str]:
    values, probabilities = parameter.values, parameter.probabilities
    if not values or (parameter.distribution == "constant" and len(values) > 1):
        yield "needs values"
    if parameter.distribution == "categorical_w_probabilities" and not probabilities:
        yield "needs probabilities"
    if not probabilities:
        return
    if len(probabilities) != len(values):
        yield f"has {len(values)} values and {len(probabilities)} probabilities"
    if min(probabilities) < 0 or abs(sum(probabilities) - 1) > 1e-5:
        yield f"has probabilities that add up to {sum(probabilities):g}, not to 1"


def _are_whole(*numbers: Number) -> bool:
    return all(isinstance(number, int) and abs(number) < 2**53 for number in numbers)


def _overflows(exponent: float) -> bool:
    return exponent > 700
