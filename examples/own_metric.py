"""An own metric: how many variables are active (Burda et al. 2016).

vaerun plugins=[examples/own_metric.py] dataset=digits metrics.active_units.threshold=0.1
vaerun evaluate RUN plugins=[examples/own_metric.py] metrics=none metrics.active_units.samples=5000

Shapes: M images drawn, D dimensions of a code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.metric import Codes, stream
from runner.plugins import add_metric


@dataclass
class ActiveUnits:
    """``metrics.active_units.KEY``: what can be set."""

    samples: int = field(default=10_000, metadata={"help": "images drawn"})
    threshold: float = field(default=0.01, metadata={"help": "least variance of an active one"})


def active_units(codes: Codes, *, seed: int, samples: int, threshold: float) -> dict[str, float]:
    """Return the number of continuous variables whose codes vary, and their share."""
    drawn = codes.sample(samples, stream(seed, "active_units"))
    variance_D = drawn.codes_MD[:, codes.continuous_D].var(0)
    active = int((variance_D > threshold).sum())
    return {"active_units": active, "share": active / max(1, len(variance_D))}


add_metric("active_units", active_units, settings=ActiveUnits, better="high", title="active units")
