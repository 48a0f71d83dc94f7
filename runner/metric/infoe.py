"""InfoMEC's explicitness: how much of a factor's entropy a linear classifier predicts.

Shapes: M images, C columns of the classifier's input, F factors, G groups, V variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from runner.errors import UsageError
from runner.metric.categories import categories, standardised
from runner.metric.codes import Codes, Floats, Integers, Sample, stream
from runner.metric.histogram import varying_factors
from runner.metric.predictors import over_cores
from runner.metric.variables import Variable


def infoe(
    codes: Codes, *, samples: int, most_values: int, held_out: bool, seed: int
) -> dict[str, float]:
    """Return InfoE, the explicitness of InfoMEC.

    (H_null - H_pred) / H_null, averaged over the factors, where H_pred is the cross-entropy of a
    logistic regression of the factor on all variables, and H_null that of one on nothing. The
    regressions are scikit-learn's: multinomial, no penalty, balanced classes, lbfgs, at most 100
    steps; the classes being balanced, H_null is the log of the number of values. Continuous
    variables are standardised, discrete ones one-hot. Inactive variables are inputs too.

    As published, the regressions are judged on the ``samples`` images that they have learned from.
    With ``held_out`` they learn from one half of these and are judged on the other.

    Keys:
        infoe: the score.
        infoe/FACTOR: of one factor.
    Range: at most 1, if the values are linearly separable. 0 for codes that say nothing; below it
        where the predictions are worse than that, as with balanced classes for rare values, or on
        images held out.
    Discrete variables: the category, one-hot. A column with at most ``most_values`` different
        values, as of a quantised latent, is discrete too.
    Degenerate input: a constant variable has no effect. A factor with one value among the images
        that are learned from is left out; images held out that have a value which none of the
        others has are left out, too, and so is a factor without any images left.
    Raises: UsageError if no factor is left.
    Source: Hsu et al. 2023; judged on images held out: ours.
    """
    split = _split(codes, samples, held_out=held_out, seed=seed)
    inputs_MC = _inputs(split.both.codes_MD, codes.variables, most_values)
    kept = split.factors
    jobs = [partial(_predicted_share, inputs_MC, split, f) for f in kept.tolist()]
    found = dict(zip(kept.tolist(), over_cores(jobs, split.costs), strict=True))
    by_name = {f"infoe/{codes.factor_names[f]}": share for f, share in found.items()}
    return {"infoe": float(np.mean(list(found.values()))), **by_name}


def infoe_groups(
    codes: Codes, *, samples: int, most_values: int, held_out: bool, seed: int
) -> dict[str, float]:
    """Return InfoE of groups: of each factor from the group that predicts it best.

    As ``infoe``, with regressions on the columns of one group alone.

    Keys:
        infoe_groups: the largest of a group, averaged over the factors.
        infoe_groups/FACTOR/GROUP: of one factor from one group.
    Range: at most 1, if a group has each factor in a linear form; 0 for codes that say nothing.
    Discrete variables: as in ``infoe``.
    Degenerate input: as in ``infoe``.
    Raises: UsageError if no factor is left.
    Source: Hsu et al. 2023, with regressions on a group.
    """
    split = _split(codes, samples, held_out=held_out, seed=seed)
    kept = split.factors.tolist()
    inputs = [_inputs(split.both.codes_MD, g.variables, most_values) for g in codes.groups]
    jobs = [partial(_predicted_share, inputs_MC, split, f) for inputs_MC in inputs for f in kept]
    found_GF = np.array(over_cores(jobs, split.costs * len(inputs))).reshape(len(inputs), -1)
    by_name = {
        f"infoe_groups/{codes.factor_names[f]}/{group.name}": float(found_GF[g, column])
        for column, f in enumerate(kept)
        for g, group in enumerate(codes.groups)
    }
    return {"infoe_groups": float(found_GF.max(0).mean()), **by_name}


@dataclass(frozen=True)
class _Split:
    """The images drawn, and which of them are learned from and which are judged."""

    both: Sample
    learned: slice
    judged: slice
    factors: Integers
    """The indices of the factors that vary among the images learned from, and can be judged."""

    @property
    def costs(self) -> list[float]:
        """How long the regression of each factor takes, relative to the others."""
        values_MF = self.both.factors_MF[:, self.factors]
        return [float(len(np.unique(values_M))) for values_M in values_MF.T]


def _split(codes: Codes, samples: int, *, held_out: bool, seed: int) -> _Split:
    sample = codes.distinct(samples, stream(seed, "infoe"))
    half = (len(sample) + 1) // 2
    learned = slice(half) if held_out else slice(None)
    judged = slice(half, None) if held_out else slice(None)
    kept = varying_factors(sample.factors_MF[learned])
    judgeable = [
        _known(sample.factors_MF[learned, f], sample.factors_MF[judged, f]).any() for f in kept
    ]
    if not any(judgeable):
        raise UsageError("infoe has no held-out image of a known value", "draw more samples")
    return _Split(sample, learned, judged, kept[judgeable])


def _inputs(codes_MD: Floats, variables: Sequence[Variable], most_values: int) -> Floats:
    """Return the columns that a regression sees, (M, C); none for a constant variable."""
    columns: list[Floats] = [np.zeros((len(codes_MD), 0))]
    for variable in variables:
        numbers_M = categories(codes_MD, variable, most_values)
        column_M = codes_MD[:, variable.columns.start]
        if numbers_M is not None and np.ptp(numbers_M) > 0:
            columns.append((numbers_M[:, None] == np.unique(numbers_M)).astype(np.float64))
        elif numbers_M is None and np.ptp(column_M) > 0:
            columns.append(standardised(column_M)[:, None])
    return np.concatenate(columns, axis=1)


def _known(learned_M: Integers, judged_M: Integers) -> NDArray[np.bool_]:
    return np.isin(judged_M, learned_M)


def _predicted_share(inputs_MC: Floats, split: _Split, factor: int) -> float:
    """Return (H_null - H_pred) / H_null of a factor."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    values_M = split.both.factors_MF[:, factor]
    learned_M, judged_M = values_M[split.learned], values_M[split.judged]
    known_M = _known(learned_M, judged_M)
    null = float(np.log(len(np.unique(learned_M))))
    if not inputs_MC.shape[1]:
        return 0.0
    # An infinite C is no penalty.
    model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100)
    model.fit(inputs_MC[split.learned], learned_M)
    predicted_MS = model.predict_proba(inputs_MC[split.judged][known_M])
    loss = log_loss(judged_M[known_M], predicted_MS, labels=model.classes_)
    return (null - float(loss)) / null
