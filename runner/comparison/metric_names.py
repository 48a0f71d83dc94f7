"""Names of metrics in words, for the figures of a comparison."""

from __future__ import annotations

import re

from runner.comparison.names import information_title

_SHELVES = frozenset({"scores", "terms", "mean", "model"})
"""Parts of a name that need not be said."""


_PROPER = {
    "index code": "index-code",
    "within group": "within-group",
    "dimension wise": "dimension-wise",
    **{
        word: word.upper()
        for word in ("elbo", "mi", "kl", "mig", "dci", "sap", "udr", "mmd", "vae")
    },
}


def metric_words(metric: str) -> str:
    """Return the name of a figure in words, with its unit: ``index-code MI, nats``."""
    if formula := information_title(metric):
        return f"{formula}, nats"
    parts = [part for part in metric.split("/") if part not in _SHELVES] or [metric]
    words = " ".join(parts).replace("_", " ")
    for plain, proper in _PROPER.items():
        words = re.sub(rf"\b{plain}\b", proper, words)
    in_nats = metric in {"elbo", "rate"} or metric.startswith(("terms/", "information/"))
    return f"{words}, nats" if in_nats else words
