"""DCI-ES: explicitness and size beside disentanglement, completeness and informativeness.

Shapes: F factors, K sizes of probes, V variables or groups.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from runner.metric.codes import Codes, Floats
from runner.metric.importance import completenesses, disentanglements, weighted
from runner.metric.loss_capacity import explicitness_of
from runner.metric.probe_curves import Family, probe_curves


def dci_es(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes,
    *,
    train: int,
    test: int,
    probe: str,
    features: list[int],
    widths: list[int],
    depths: list[int],
    most_classes: int,
    seed: int,
) -> dict[str, float]:
    """Return the scores of DCI-ES, from probes of growing capacity.

    For each factor and each size a probe learns from ``train`` images to predict the factor from
    the standardised codes, and is judged on ``test`` others. The family of probes is ``fourier``,
    linear ones of as many random Fourier features as ``features`` says; ``mlp``, networks with two
    hidden layers of ``widths`` units, of which 0 is linear; or ``forest``, random forests of 100
    trees of ``depths``. A factor of at most ``most_classes`` values is classified, and the loss is
    the share of errors; one of more is regressed, and the loss is 1 - R². The baseline is the loss
    of the most frequent value, or 1; of a higher loss the baseline is taken.

    Keys:
        dci_es/explicitness: 1 - A / Z of the loss-capacity curve, averaged over factors; see
            :func:`runner.metric.loss_capacity.explicitness_of`. From -1, if no probe but the
            largest is better than the baseline, to 1, if the smallest is as good as any.
        dci_es/explicitness/FACTOR: of one factor.
        dci_es/size: number of factors / number of variables: 1, if there is one for each. Every
            variable of the code counts, used or not.
        dci_es/disentanglement: 1 - H(row of R) / log(factors), averaged over variables with their
            share of the total importance as weight. 0 to 1.
        dci_es/completeness: 1 - H(column of R) / log(variables), averaged over factors. 0 to 1.
        dci_es/informativeness: 1 - loss of the size where the mean over factors is lowest. 0 to 1.
        dci_es/loss/SIZE: loss / baseline of the probes of a size, mean over factors. 0 to 1.

    R, (V, F), has the importances for the probes of the size with the lowest loss: the increase of
    the loss when a variable is permuted among the test images, as a share of the sum over
    variables.

    Discrete variables: every column is an input; they are permuted together.
    Degenerate input: codes that say nothing have the explicitness 1, since no capacity improves on
        the smallest; read it beside the informativeness. If all importances are 0, disentanglement
        and completeness are 0, but with a single factor disentanglement is always 1, and with a
        single variable completeness. A factor is left out if it does not vary among the images
        that are learned from, or if the most frequent of their values is right for all test
        images. If there are fewer images than requested, a third is for testing, the rest for
        training.
    Raises: UsageError if no factor is left.
    Source: Eastwood et al. 2023. Permutation in place of Shapley values, which factors are
        classified, the baseline, and the penalties and optimisers of the probes are ours.
    """
    family = Family(probe, {"fourier": features, "mlp": widths, "forest": depths}[probe])
    curves = probe_curves(
        codes, family, train=train, test=test, most_classes=most_classes, seed=seed
    )
    explicitness_F = np.array(
        [
            explicitness_of(capacity_K, loss_K, baseline)
            for capacity_K, loss_K, baseline in zip(
                curves.capacity_FK, curves.loss_FK, curves.baseline_F.tolist(), strict=True
            )
        ]
    )
    relative_K = (curves.loss_FK / curves.baseline_F[:, None]).mean(0)
    names, sizes = curves.factor_names, family.sizes
    return {
        "dci_es/explicitness": float(explicitness_F.mean()),
        "dci_es/size": len(codes.factor_names) / len(codes.variables),
        **_concentrations("dci_es", curves.importance_VF),
        "dci_es/informativeness": float(1 - curves.loss_FK.mean(0).min()),
        **_by_name("dci_es/explicitness", names, explicitness_F),
        **_by_name("dci_es/loss", sizes, relative_K),
    }


def dci_es_groups(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes,
    *,
    train: int,
    test: int,
    probe: str,
    features: list[int],
    widths: list[int],
    depths: list[int],
    most_classes: int,
    seed: int,
) -> dict[str, float]:
    """Return disentanglement, completeness and size of groups, from the probes of :func:`dci_es`.

    As ``dci_es``, with a group in place of a variable: the columns of a group are permuted
    together. The probes see all columns whatever the groups are, so explicitness and
    informativeness are those of ``dci_es``. At the same settings and seed the probes are those of
    ``dci_es``, fitted once.

    Keys:
        dci_es_groups/disentanglement: as ``dci_es/disentanglement``, of groups. 0 to 1.
        dci_es_groups/completeness: 1 - H(column of R) / log(groups), averaged over factors. 0 to 1.
        dci_es_groups/size: number of factors / number of groups.
    Discrete variables: every column is an input.
    Degenerate input: as for ``dci_es``.
    Raises: UsageError if no factor is left.
    Source: Eastwood et al. 2023, with a group in place of a variable.
    """
    family = Family(probe, {"fourier": features, "mlp": widths, "forest": depths}[probe])
    curves = probe_curves(
        codes, family, train=train, test=test, most_classes=most_classes, seed=seed
    )
    return {
        **_concentrations("dci_es_groups", curves.importance_GF),
        "dci_es_groups/size": len(codes.factor_names) / len(codes.groups),
    }


def _concentrations(name: str, importance_VF: Floats) -> dict[str, float]:
    return {
        f"{name}/disentanglement": weighted(disentanglements(importance_VF), importance_VF),
        f"{name}/completeness": weighted(completenesses(importance_VF), importance_VF.T),
    }


def _by_name(prefix: str, names: Iterable[object], values: Floats) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in zip(names, values.tolist(), strict=True)}
