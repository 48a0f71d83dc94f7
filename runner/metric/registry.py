"""The scores there are, by the names that ``conf/metrics/`` gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.errors import UsageError
from runner.metric.beta_vae import beta_vae
from runner.metric.clustering import clustering
from runner.metric.codes import Codes
from runner.metric.dci import dci, dci_lightgbm
from runner.metric.downstream import downstream_boosted, downstream_logistic
from runner.metric.eastwood_williams import eastwood_williams
from runner.metric.explicitness import explicitness
from runner.metric.factor_vae import factor_vae
from runner.metric.irs import irs
from runner.metric.mig import mig
from runner.metric.modularity import modularity
from runner.metric.probes import linear_probe, neighbour_probe
from runner.metric.sap import sap
from runner.metric.sparsity import hoyer_sparsity
from runner.metric.unsupervised import unsupervised


@dataclass(frozen=True)
class Metric:
    """A score of codes: its function, and what codes it can judge."""

    compute: Callable[..., dict[str, float]]
    """(codes, seed=, settings by keyword) → named numbers."""
    least_factors: int = 1
    least_variables: int = 1
    of_class: bool = False
    """Whether it judges what is known of one factor, and takes its name as ``factor``."""

    def check(self, name: str, codes: Codes) -> None:
        """Raise UsageError where these codes cannot have this score."""
        if len(codes.factor_names) < self.least_factors:
            only = codes.factor_names[0]
            raise UsageError(
                f"{name} needs {self.least_factors} factors that vary, not {only} alone"
            )
        if len(codes.variables) < self.least_variables:
            raise UsageError(f"{name} needs {self.least_variables} variables, there is one")


def compute(
    name: str, codes: Codes, *, factor: str, seed: int, settings: Mapping[str, Any]
) -> dict[str, float]:
    """Return a score of codes.

    Args:
        name: a key of :data:`METRICS`.
        codes: what is judged.
        factor: the factor that scores of a single one are about.
        seed: of all draws.
        settings: the score's own, as in ``conf/metrics/``.

    Raises: UsageError when the codes are such that the score has no value.
    """
    metric = METRICS[name]
    metric.check(name, codes)
    of_class = {"factor": factor} if metric.of_class else {}
    return metric.compute(codes, seed=seed, **of_class, **settings)


METRICS: Mapping[str, Metric] = {
    "beta_vae": Metric(beta_vae, least_factors=2),
    "factor_vae": Metric(factor_vae, least_factors=2),
    "mig": Metric(mig),
    "dci": Metric(dci, least_factors=2, least_variables=2),
    "dci_lightgbm": Metric(dci_lightgbm, least_factors=2, least_variables=2),
    "eastwood_williams": Metric(eastwood_williams, least_factors=2, least_variables=2),
    "modularity": Metric(modularity, least_factors=2),
    "explicitness": Metric(explicitness),
    "sap": Metric(sap),
    "irs": Metric(irs, least_factors=2),
    "unsupervised": Metric(unsupervised, least_variables=2),
    "downstream_logistic": Metric(downstream_logistic),
    "downstream_boosted": Metric(downstream_boosted),
    "hoyer_sparsity": Metric(hoyer_sparsity, least_variables=2),
    "linear_probe": Metric(linear_probe, of_class=True),
    "neighbour_probe": Metric(neighbour_probe, of_class=True),
    "clustering": Metric(clustering, of_class=True),
}
"""Name in ``conf/metrics/`` → metric, in the order of the table that is shown."""
