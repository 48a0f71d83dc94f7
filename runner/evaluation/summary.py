"""The final figures of a run, as they stand in ``summary.json``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator

from runner.dataset import Dataset
from runner.evaluation.cluster_purities import cluster_purities
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import decompose_all, factor_information
from runner.evaluation.prior_distances import distances
from runner.evaluation.representation import Representation
from runner.metric.sparsity import hoyer


@torch.no_grad()
def summarize(
    model: Representation, dataset: Dataset, encodings: Encodings, source: Generator
) -> dict[str, Any]:
    """Return the ELBO, the five terms, rates, information and scores, in nats per image.

    The terms sum to the negative ELBO. ``information`` holds I(x; z_v) under ``variable``, the rate
    of each variable under ``rate``, I(x; z_g) under ``group`` and I(factor; z_g) under ``factor``;
    ``scores`` holds the cluster purity of a Concrete variable and the Hoyer sparsity of the means;
    ``distances`` holds those of q(z) from p(z) that penalties use. A deterministic code has only
    its reconstruction and its sparsity.
    """
    latents = model.latents
    if latents is None:
        return _of_a_code(model, dataset, encodings)
    information = decompose_all(latents, encodings)
    names = [factor.name for factor in dataset.factors]
    sizes = [factor.size for factor in dataset.factors]
    by_factor = (
        factor_information(latents, encodings, sizes) if names else [[]] * len(latents.group_names)
    )
    summary: dict[str, Any] = {
        "elbo": -sum(information.terms.values()),
        "rate": float(latents.rate(encodings.z_MW, encodings.parameters_MP).mean()),
        "images": len(encodings),
        "encodings": len(encodings),
        "split": "test" if dataset.has_test_split else "all",
        "terms": information.terms,
        "information": {
            "variable": information.variable,
            "rate": information.rate,
            "group": information.group,
            "factor": {
                group: dict(zip(names, row, strict=True))
                for group, row in zip(latents.group_names, by_factor, strict=True)
            },
        },
        "scores": {},
    }
    summary["scores"] |= cluster_purities(latents, encodings, dataset.class_column)
    summary["scores"] |= _sparsity(model, encodings)
    summary["distances"] = distances(latents, encodings, source)
    return summary


def _of_a_code(model: Representation, dataset: Dataset, encodings: Encodings) -> dict[str, Any]:
    """Return the figures of a deterministic code, which has neither ELBO nor information."""
    return {
        "elbo": None,
        "rate": None,
        "images": len(encodings),
        "encodings": len(encodings),
        "split": "test" if dataset.has_test_split else "all",
        "terms": {"reconstruction": -float(encodings.log_px_z_M.mean())},
        "information": {"variable": {}, "rate": {}, "group": {}, "factor": {}},
        "scores": _sparsity(model, encodings),
    }


def _sparsity(model: Representation, encodings: Encodings) -> dict[str, float]:
    code_MV = model.continuous_part(encodings.mean_MW)
    if code_MV.shape[1] < 2:
        return {}
    return {"hoyer_sparsity": hoyer(code_MV.cpu().double().numpy())}
