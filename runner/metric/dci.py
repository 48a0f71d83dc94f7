"""Disentanglement, completeness and informativeness, from feature importances of boosted trees.

Shapes: V variables or groups, F factors.
"""

from __future__ import annotations

from importlib import import_module

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats
from runner.metric.importance import completenesses, disentanglements, weighted
from runner.metric.predictors import Classifier
from runner.metric.trees import Trees, boosted, fit_trees


def dci(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return disentanglement, completeness and informativeness (DCI) of codes.

    For each factor scikit-learn's GradientBoostingClassifier with its default settings is trained
    to predict the factor from the codes of ``train`` images. R, (V, F), holds its feature
    importances.

    Keys:
        dci/disentanglement: 1 - H(row of R) / log(factors), averaged over variables with their
            share of the total importance as weight. 0 to 1.
        dci/completeness: 1 - H(column of R) / log(variables), averaged over factors with their
            share of the total importance as weight. 0 to 1.
        dci/informativeness: accuracy on the ``test`` images, mean over factors. 0 to 1.
        dci/informativeness/FACTOR: of one factor.
        dci/informativeness_train: accuracy on the training images, mean over factors.
    Discrete variables: every column is an input; R has the sum of their importances.
    Degenerate input: a factor with a single value among the training images is predicted to have
        that value, and its importances are 0. If all importances are 0, so are disentanglement and
        completeness. With a single factor disentanglement is always 1, with a single variable
        completeness. If there are fewer images than requested, all are used.
    Source: Eastwood & Williams 2018; classifier, sizes and weights of Locatello et al. 2019.
    """
    (trees,) = boosted(codes, [train], test=test, seed=seed)
    return _scores("dci", trees, trees.importance_of(codes.variables), codes)


def dci_groups(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return disentanglement and completeness of groups, from the ensembles of :func:`dci`.

    As ``dci``, with a group in place of a variable: the importance of a group for a factor is the
    sum of those of its variables. A feature importance is the share of the decrease of impurity
    that the splits on a feature bring, so the sum is the share of the splits on any variable of the
    group. At the same ``train``, ``test`` and seed the ensembles are those of ``dci``, fitted once.

    Keys:
        dci_groups/disentanglement: as ``dci/disentanglement``, of groups. 0 to 1.
        dci_groups/completeness: 1 - H(column of R) / log(groups), averaged over factors with their
            share of the total importance as weight. 0 to 1.
    Discrete variables: every column is an input; R has the sum of their importances.
    Degenerate input: as for ``dci``. With a single factor disentanglement is always 1.
    Source: Eastwood & Williams 2018, with a group in place of a variable.
    """
    (trees,) = boosted(codes, [train], test=test, seed=seed)
    return _concentrations("dci_groups", trees.importance_of(codes.groups))


def dci_lightgbm(codes: Codes, *, train: int, test: int, seed: int) -> dict[str, float]:
    """Return the scores of :func:`dci` with LightGBM's trees: faster, but not comparable to it.

    LGBMClassifier with its default settings (100 trees per class, 31 leaves, learning rate 0.1); R
    holds the total gain of the splits on each variable, normalised to sum 1 for each factor.

    Keys: ``dci_lightgbm/…``, as those of ``dci``.
    Raises: UsageError if LightGBM is not installed.
    Source: Eastwood & Williams 2018; Ke et al. 2017 for the trees.
    """
    (trees,) = fit_trees(codes, [train], test=test, seed=seed, classifier=_lightgbm)
    return _scores("dci_lightgbm", trees, trees.importance_of(codes.variables), codes)


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


def _concentrations(name: str, importance_VF: Floats) -> dict[str, float]:
    return {
        f"{name}/disentanglement": weighted(disentanglements(importance_VF), importance_VF),
        f"{name}/completeness": weighted(completenesses(importance_VF), importance_VF.T),
    }


def _scores(name: str, trees: Trees, importance_VF: Floats, codes: Codes) -> dict[str, float]:
    by_factor = zip(codes.factor_names, trees.test_accuracy_F.tolist(), strict=True)
    return {
        **_concentrations(name, importance_VF),
        f"{name}/informativeness": float(trees.test_accuracy_F.mean()),
        f"{name}/informativeness_train": float(trees.train_accuracy_F.mean()),
        **{f"{name}/informativeness/{factor}": value for factor, value in by_factor},
    }
