"""The scores of codes, by the names that ``conf/metrics/`` gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, cast

from runner.errors import UsageError
from runner.metric.codes import Codes
from runner.metric.own import own_score
from runner.metric.quantities import QUANTITIES
from runner.metric.quantity import Quantity, Score
from runner.plugins import piece, pieces


def metrics_of(rows: Iterable[Quantity]) -> dict[str, Score]:
    """Return the function of each family that has one, by the family's name."""
    return {row.family: row.score for row in rows if row.score}


METRICS: Mapping[str, Score] = metrics_of(QUANTITIES)
"""The function of each score by its name in ``conf/metrics/``, in the order of the quantities."""


def names() -> list[str]:
    """Return the names of the scores of codes: ours, and own ones of the settings at hand."""
    return [*METRICS, *pieces("metric")]


def compute(
    name: str, codes: Codes, *, factor: str | None, seed: int, settings: Mapping[str, Any]
) -> dict[str, float]:
    """Return a score of codes.

    Args:
        name: a key of :data:`METRICS`, or an own metric.
        codes: the codes to be scored, with the factors of their images.
        factor: the factor that scores of a single factor evaluate; None without factors.
        seed: of all random numbers.
        settings: the settings of this score, as in ``conf/metrics/``.

    Raises: UsageError when the score is not defined for these codes.
    """
    own = None if name in METRICS else piece("metric", name)
    if own is not None:
        return own_score(own, codes, seed=seed, settings=settings)
    score = METRICS[name]
    _check(name, score, codes)
    of_class = {"factor": factor} if score.of_class else {}
    return _function(name, score)(codes, seed=seed, **of_class, **settings)


def _check(name: str, score: Score, codes: Codes) -> None:
    """Raise UsageError if the codes have too few factors or variables for the score."""
    if len(codes.factor_names) < score.least_factors:
        if not codes.factor_names:
            raise UsageError(f"{name} needs a factor that varies, and there is none")
        only = codes.factor_names[0]
        raise UsageError(f"{name} needs {score.least_factors} factors that vary, not {only} alone")
    if score.of_groups and not codes.is_grouped:
        raise UsageError(f"{name} needs several groups, and one of more than one variable")
    if len(codes.variables) < score.least_variables:
        raise UsageError(f"{name} needs {score.least_variables} variables, there is one")


def _function(name: str, score: Score) -> Callable[..., dict[str, float]]:
    """Return the function of a score.

    Raises: UsageError when its row names one that there is not.
    """
    module, _, function = score.function.rpartition(".")
    place = f"runner.metric.{module}"
    try:
        found = getattr(import_module(place), function)
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != place:
            raise  # a library that the module needs
        message = f"the row of {name} names '{score.function}', which is not in runner/metric"
        raise UsageError(message, "runner/metric/quantities.py has the rows") from error
    return cast("Callable[..., dict[str, float]]", found)
