"""How pure the clusters are that the categories of a Concrete variable form."""

from __future__ import annotations

from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import LatentDensities, Representation
from runner.metric.clustering import purity


def cluster_purities(
    latents: LatentDensities | Representation, encodings: Encodings, class_column: int | None
) -> dict[str, float]:
    """Return the purity of the clusters of every Concrete variable, ``purity_<variable>``.

    An image belongs to its most probable category. That of the variable ``category`` is called
    ``purity``. Nothing is returned where the factors have no class (``class_column`` is None).

    Range: 0 to 1.
    """
    found: dict[str, float] = {}
    for name, columns in latents.columns.items() if class_column is not None else ():
        if columns.stop - columns.start > 1:  # a Concrete variable
            score = "purity" if name == "category" else f"purity_{name}"
            clusters_M = encodings.mean_MW[:, columns].argmax(1)
            classes_M = encodings.factors_MF[:, class_column]
            found[score] = purity(clusters_M.cpu().numpy(), classes_M.cpu().numpy())
    return found
