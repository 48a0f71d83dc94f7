"""The final figures of a run, as they stand in ``summary.json``."""

from __future__ import annotations

from typing import Any

import torch

from runner.dataset import Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import decompose_all, factor_information, purity
from runner.model import VAE


@torch.no_grad()
def summarize(model: VAE, dataset: Dataset, encodings: Encodings) -> dict[str, Any]:
    """Return the ELBO, the five terms, rates, information and scores, in nats per image.

    The terms sum to the negative ELBO. ``information`` holds I(x; z_v) under ``variable``, the rate
    of each variable under ``rate``, I(x; z_g) under ``group`` and I(factor; z_g) under ``factor``;
    ``scores`` holds the cluster purity of a Concrete variable.
    """
    prior = model.prior.with_exact_sums()  # figures of all runs alike, however they were trained
    information = decompose_all(prior, encodings)
    sizes = [factor.size for factor in dataset.factors]
    by_factor = factor_information(prior, encodings, sizes)
    names = [factor.name for factor in dataset.factors]
    summary: dict[str, Any] = {
        "elbo": -sum(information.terms.values()),
        "rate": sum(information.rate.values()),
        "images": len(encodings),
        "encodings": len(encodings),
        "split": "test" if dataset.held_out else "all",
        "terms": information.terms,
        "information": {
            "variable": information.variable,
            "rate": information.rate,
            "group": information.group,
            "factor": {
                group: dict(zip(names, row, strict=True))
                for group, row in zip(prior.group_names, by_factor, strict=True)
            },
        },
        "scores": {},
    }
    classes_M = encodings.factors_MF[:, names.index(dataset.class_factor)]
    for name, columns in prior.columns.items():
        if columns.stop - columns.start > 1:  # a Concrete variable: its categories are clusters
            score = "purity" if name == "category" else f"purity_{name}"
            clusters_M = encodings.centre_MW[:, columns].argmax(1)
            summary["scores"][score] = purity(clusters_M, classes_M)
    return summary
