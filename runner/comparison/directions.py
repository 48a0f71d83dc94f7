"""Which way a figure is better, where one way is."""

from __future__ import annotations

import re

_HIGHER = re.compile(
    r"elbo|scores/purity\w*"
    r"|scores/\w+/(beta_vae|factor_vae|mig|sap|irs|modularity|explicitness|linear_probe"
    r"|neighbour_probe|udr_\w+|mig_density|log_likelihood)"
    r"|scores/\w+/(dci|dci_lightgbm|eastwood_williams)/(disentanglement|completeness)"
    r"|scores/\w+/(dci|dci_lightgbm)/informativeness"
    r"|scores/\w+/clustering/(purity|nmi)"
    r"|scores/\w+/downstream_(logistic|boosted)/\d+"
)
_LOWER = re.compile(
    r"terms/reconstruction|scores/\w+/reconstruction/\w+"
    r"|scores/\w+/eastwood_williams/informativeness"  # a prediction error
    r"|distances/\w+"
)


def direction(metric: str) -> int:
    """Return 1 where more is better, -1 where less is, and 0 where neither can be said.

    The rate and the terms that make it up are no merit in themselves, nor is a sparse code.
    """
    if _HIGHER.fullmatch(metric):
        return 1
    return -1 if _LOWER.fullmatch(metric) else 0
