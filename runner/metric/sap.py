"""The separated attribute predictability score.

Shapes: M images, D dimensions of a code, C columns of a variable, V variables, F factors.
"""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np

from runner.metric.codes import Codes, Floats, Integers, Sample, Variable, stream
from runner.metric.gap import gaps


def sap(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the separated attribute predictability, and that of each factor as ``sap/<factor>``.

    The accuracies of the two variables that predict a factor best, one less the other, averaged
    over factors. Each is that of a linear support vector machine (C = 0.01, classes weighted to
    balance them) which sees one variable alone, on images it has not learned from.

    Range: 0 to 1; as a linear classifier of one number cannot tell many values apart, it is far
    below 1 even for ideal codes.

    A discrete variable is one variable, whose columns are all seen. A lone variable's gap is its
    accuracy. Where the images to learn from have one value of a factor, it is the prediction.
    Numbers that single precision cannot hold count as zero, or as the largest it can.

    Source: Kumar et al. 2018, for factors with values in no order; as in Locatello et al. 2019,
    but the machine is fitted by Newton's method, which needs no random numbers and ends sooner
    at the same optimum (not so where there are fewer images to learn from than columns).
    """
    learn, judge = codes.split(train, test, stream(seed, "sap"))
    gap_F = gaps(_accuracies(codes.variables, learn, judge))
    by_factor = {f"sap/{n}": float(g) for n, g in zip(codes.factor_names, gap_F, strict=True)}
    return {"sap": float(np.mean(gap_F)), **by_factor}


def _accuracies(variables: tuple[Variable, ...], learn: Sample, judge: Sample) -> Floats:
    """Return how often each variable predicts each factor, (V, F); over all cores."""
    from joblib import Parallel, delayed

    shape = len(variables), learn.factors_MF.shape[1]
    known_MD, asked_MD = _within_single(learn.codes_MD), _within_single(judge.codes_MD)
    with warnings.catch_warnings():
        # Stopping at the step limit is part of the definition; so is a factor of many values. The
        # filters hold in threads, and the fit lets go of the interpreter, so threads do as well.
        warnings.simplefilter("ignore", UserWarning)
        found = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_accuracy)(
                (known_MD[:, variables[v].columns], learn.factors_MF[:, f]),
                (asked_MD[:, variables[v].columns], judge.factors_MF[:, f]),
            )
            for v, f in product(range(shape[0]), range(shape[1]))
        )
    return np.array(found).reshape(shape)


def _within_single(codes_MD: Floats) -> Floats:
    """Return the codes; what single precision cannot hold becomes zero, or the largest it can."""
    # Where squares of a code underflow or overflow, liblinear's Newton steps never end.
    limits = np.finfo(np.float32)
    clipped_MD = np.clip(codes_MD, limits.min, limits.max)
    return np.where(np.abs(clipped_MD) < limits.tiny, 0.0, clipped_MD)


def _accuracy(learn: tuple[Floats, Integers], judge: tuple[Floats, Integers]) -> float:
    """Return how often a classifier that learned from some codes and values is right of others."""
    from sklearn.svm import LinearSVC

    (known_MC, known_M), (asked_MC, asked_M) = learn, judge
    if np.ptp(known_M) == 0:
        return float(np.mean(asked_M == known_M[0]))
    machine = LinearSVC(C=0.01, class_weight="balanced", dual="auto", random_state=0)
    return float(np.mean(machine.fit(known_MC, known_M).predict(asked_MC) == asked_M))
