"""The final figures of a run, as they stand in ``summary.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Generator

from runner.dataset import Dataset
from runner.evaluation.averages import NumberTree, known, standard_error
from runner.evaluation.classification import classification
from runner.evaluation.cluster_purities import cluster_purities
from runner.evaluation.code_warnings import code_warnings
from runner.evaluation.encodings import Encodings
from runner.evaluation.estimate_warnings import estimate_warnings
from runner.evaluation.information import Figures, decompose_all, group_information
from runner.evaluation.prior_distances import distances
from runner.evaluation.representation import LatentDensities, Representation
from runner.evaluation.value_information import value_information
from runner.metric.sparsity import hoyer


@torch.no_grad()
def summarize(
    model: Representation,
    dataset: Dataset,
    encodings: Encodings,
    source: Generator,
    class_samples: int = 0,
) -> dict[str, Any]:
    """Return the ELBO, the five terms, rates, information and scores, in nats per image.

    The terms sum to the negative ELBO. ``information`` holds I(x; z_v) under ``variable``, the rate
    of each variable under ``rate``, I(x; z_g) under ``group`` and I(factor; z_g) under ``factor``;
    ``scores`` holds the cluster purity of a Concrete variable and the Hoyer sparsity of the means;
    ``distances`` holds those of q(z) from p(z) that penalties use. ``classification`` holds the
    errors of a variable that is trained with labels, where there is one, the importance-weighted
    one from ``class_samples`` samples. ``standard_errors`` holds that
    of each figure that is a mean over samples, under the names of these. A deterministic code has
    only its reconstruction, its sparsity, the purity of Concrete variables, and information where
    its variables take few values.

    Only the terms and I(x; z) see the encodings behind q(z) that are of no evaluated image.
    """
    latents = model.latents
    if latents is None:
        return _of_a_code(model, dataset, encodings)
    found = decompose_all(latents, encodings)
    evaluated = replace(encodings, rest_KP=None)
    by_factor, errors_by_factor = _by_factor(latents, dataset, evaluated)
    rate_M = latents.rate(encodings.z_MW, encodings.parameters_MP)
    purities = cluster_purities(latents, encodings, dataset.class_column)
    errors = found.standard_errors
    wrong = classification(model, dataset, encodings, class_samples, source)
    return {
        "elbo": found.elbo,
        "rate": float(rate_M.mean()),
        **_counted(dataset, encodings),
        "terms": found.terms,
        "information": _information(found, by_factor),
        "scores": purities | _sparsity(model, encodings),
        "distances": distances(latents, evaluated, source),
        **({"classification": wrong} if wrong else {}),
        "standard_errors": known(
            {
                "elbo": errors.elbo,
                "rate": float(standard_error(rate_M)),
                "terms": dict(errors.terms),
                "information": _information(errors, errors_by_factor),
                "scores": _of_shares(purities, len(encodings)),
                **({"classification": _of_shares(wrong, len(encodings))} if wrong else {}),
            }
        ),
        "warnings": estimate_warnings(found, encodings, dataset),
    }


def _of_shares(shares: Mapping[str, float], images: int) -> NumberTree:
    """Return the standard errors of shares of the images."""
    return {name: math.sqrt(share * (1 - share) / images) for name, share in shares.items()}


def _counted(dataset: Dataset, encodings: Encodings) -> dict[str, Any]:
    return {
        "images": len(encodings),
        "encodings": encodings.count_behind,
        "split": "test" if dataset.has_test_split else "all",
    }


def _information(figures: Figures, by_factor: NumberTree) -> NumberTree:
    return {
        "variable": dict(figures.variable),
        "rate": dict(figures.rate),
        "group": dict(figures.group),
        "factor": by_factor,
    }


def _by_factor(
    latents: LatentDensities, dataset: Dataset, encodings: Encodings
) -> tuple[NumberTree, NumberTree]:
    """Return I(factor; z_g) by group and factor, and the standard errors in the same form."""
    names = [factor.name for factor in dataset.factors]
    none: list[list[float]] = [[] for _ in latents.group_names]
    sizes = [factor.size for factor in dataset.factors]
    tables = group_information(latents, encodings, sizes) if names else (none, none)
    values, errors = (_named(latents, names, table) for table in tables)
    return values, errors


def _named(
    latents: LatentDensities, names: Sequence[str], table_GF: Sequence[Sequence[float]]
) -> NumberTree:
    groups = zip(latents.group_names, table_GF, strict=True)
    return {group: dict(zip(names, row_F, strict=True)) for group, row_F in groups}


def _of_a_code(model: Representation, dataset: Dataset, encodings: Encodings) -> dict[str, Any]:
    """Return the figures of a deterministic code, which has no ELBO.

    It has information where its variables take few values.
    """
    figures, errors = value_information(model, encodings, dataset.factors)
    return {
        "elbo": None,
        "rate": None,
        **_counted(dataset, encodings),
        "terms": {"reconstruction": -float(encodings.log_px_z_M.mean())},
        "information": figures,
        "scores": cluster_purities(model, encodings, dataset.class_column)
        | _sparsity(model, encodings),
        "warnings": code_warnings(model.columns, encodings.mean_MW),
        "standard_errors": known(
            {
                "terms": {"reconstruction": float(standard_error(encodings.log_px_z_M))},
                **({"information": errors} if errors["variable"] else {}),
            }
        ),
    }


def _sparsity(model: Representation, encodings: Encodings) -> dict[str, float]:
    code_MV = model.continuous_part(encodings.mean_MW)
    if code_MV.shape[1] < 2:
        return {}
    return {"hoyer_sparsity": hoyer(code_MV.cpu().double().numpy())}
