"""Disentanglement, completeness and informativeness, from the importances of boosted trees.

Shapes: V variables, F factors.
"""

from __future__ import annotations

from importlib import import_module

from runner.errors import UsageError
from runner.metric.codes import Codes
from runner.metric.importance import completenesses, disentanglements, weighted
from runner.metric.predictors import Classifier
from runner.metric.trees import Trees, boosted, fit_trees


def dci(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return how far each variable tells of one factor, and each factor of one variable.

    For each factor scikit-learn's GradientBoostingClassifier as it comes learns the factor's value
    from ``train`` images; R, variables by factors, holds its feature importances.

    Keys:
        dci/disentanglement: 1 - entropy of a row of R over log(factors), a mean over variables
            weighted by their share of all importance. 0 to 1.
        dci/completeness: 1 - entropy of a column of R over log(variables), a mean over factors
            weighted by their share of all importance. 0 to 1.
        dci/informativeness: accuracy on the ``test`` images, mean over factors. 0 to 1.
        dci/informativeness/FACTOR: of one factor.
        dci/informativeness_train: on the images learnt from, mean over factors.
    Discrete variables: the classifier sees every column; R has the sum of their importances.
    Degenerate input: a factor with a single value among the images learnt from is predicted to have
        it and has no importances; without any importances disentanglement and completeness are 0.
        With a single factor (variable) disentanglement (completeness) is 1 and says nothing. Of
        fewer images than asked for, all are used.
    Source: Eastwood & Williams 2018; classifier, sizes and weights of Locatello et al. 2019.
    """
    (trees,) = boosted(codes, [train], test=test, seed=seed)
    return _scores("dci", trees, codes)


def dci_lightgbm(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the scores of :func:`dci` with LightGBM's trees: not comparable with it, but sooner.

    LGBMClassifier as it comes (100 trees per class, 31 leaves, learning rate 0.1); R holds the
    total gain of the splits on each variable, divided by its sum for each factor.

    Keys: ``dci_lightgbm/…``, as those of ``dci``.
    Raises: UsageError if LightGBM is not installed.
    Source: Eastwood & Williams 2018; Ke et al. 2017 for the trees.
    """
    (trees,) = fit_trees(codes, [train], test=test, seed=seed, classifier=_lightgbm)
    return _scores("dci_lightgbm", trees, codes)


def _lightgbm(seed: int) -> Classifier:
    try:
        lightgbm = import_module("lightgbm")
    except ImportError as error:
        raise UsageError(
            "dci_lightgbm needs the package lightgbm", "pip install 'vaerun[lightgbm]'"
        ) from error
    return lightgbm.LGBMClassifier(
        importance_type="gain",
        random_state=seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def _scores(name: str, trees: Trees, codes: Codes) -> dict[str, float]:
    importance_VF = trees.importance_VF
    by_factor = zip(codes.factor_names, trees.test_accuracy_F.tolist(), strict=True)
    return {
        f"{name}/disentanglement": weighted(disentanglements(importance_VF), importance_VF),
        f"{name}/completeness": weighted(completenesses(importance_VF), importance_VF.T),
        f"{name}/informativeness": float(trees.test_accuracy_F.mean()),
        f"{name}/informativeness_train": float(trees.train_accuracy_F.mean()),
        **{f"{name}/informativeness/{factor}": value for factor, value in by_factor},
    }
