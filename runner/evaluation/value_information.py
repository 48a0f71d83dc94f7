"""Information of variables that are a function of the image and take few values.

Shapes: M images, V variables, K values of a variable, F factors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.dataset import Factor
from runner.evaluation.averages import NumberTree
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import Representation

Integers = NDArray[np.int64]


def value_information(
    model: Representation, encodings: Encodings, factors: Sequence[Factor]
) -> tuple[NumberTree, NumberTree]:
    """Return ``information`` of a deterministic code and its standard errors, in nats.

    I(x; z_v) is the entropy of z_v, since the image determines it, and each variable is a group of
    its own. There is no rate, as there is no prior, and nothing at all of variables that take any
    number: their entropy has no bound.

    Estimator: the plug-in, from the shares of the values among the evaluated images. The entropy is
        too low by about (K - 1) / 2M, and I(factor; z_v) of independent ones too large by about
        (K - 1)(values of the factor - 1) / 2M.
    """
    factors_MF = encodings.factors_MF.cpu().numpy()
    numbers = _numbers(model, encodings)
    of_images = {name: _mean(-_log_share(values_M)) for name, values_M in numbers.items()}
    of_factors = {
        name: {
            factor.name: _mean(_log_ratio(values_M, factors_MF[:, f]))
            for f, factor in enumerate(factors)
        }
        for name, values_M in numbers.items()
    }
    figures, errors = (_tree(of_images, of_factors, place) for place in (0, 1))
    return figures, errors


def _tree(
    of_images: Mapping[str, tuple[float, float]],
    of_factors: Mapping[str, Mapping[str, tuple[float, float]]],
    place: int,
) -> NumberTree:
    """Return the means, or the standard errors, as a summary has them."""
    return {
        "variable": {name: found[place] for name, found in of_images.items()},
        "rate": {},
        "group": {name: found[place] for name, found in of_images.items()},
        "factor": {
            name: {factor: found[place] for factor, found in row.items()}
            for name, row in of_factors.items()
        },
    }


def _numbers(model: Representation, encodings: Encodings) -> dict[str, Integers]:
    """Return which of its values each variable has, (M,), of the variables that have few."""
    found: dict[str, Integers] = {}
    for name, values_K in model.values.items():
        code_M1 = encodings.mean_MW[:, model.columns[name]]
        found[name] = (code_M1 - values_K.to(code_M1)).abs().argmin(1).cpu().numpy()
    return found


def _log_share(values_M: Integers) -> NDArray[np.float64]:
    """Return the logarithm of the share that each image's value has among all images, (M,)."""
    return np.log(np.bincount(values_M)[values_M] / len(values_M))


def _log_ratio(first_M: Integers, second_M: Integers) -> NDArray[np.float64]:
    """Return log p(a, b) - log p(a) - log p(b) of each image's pair of values, (M,)."""
    both_M = first_M * (int(second_M.max()) + 1) + second_M
    return _log_share(both_M) - _log_share(first_M) - _log_share(second_M)


def _mean(terms_M: NDArray[np.float64]) -> tuple[float, float]:
    """Return a mean over images, zero at least, and its standard error."""
    error = float(terms_M.std(ddof=1)) / math.sqrt(len(terms_M)) if len(terms_M) > 1 else math.nan
    return max(0.0, float(terms_M.mean())), error
