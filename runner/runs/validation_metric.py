"""The figure of a validation by which its best step is known: its name, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass

from runner.config import AUTO, RunConfig
from runner.errors import UsageError, nearest
from runner.evaluation import score_requests
from runner.evaluation.representation import Representation
from runner.metric.quantities import QUANTITIES, VALIDATION, quantity

_LOWER = {"loss": -1}
"""Directions that hold within a run, where the loss is of one objective."""


@dataclass(frozen=True)
class ValidationMetric:
    """A figure of the validation: ``elbo``, ``scores/mean/mig``."""

    name: str
    sign: int
    """1 where higher is better, -1 where lower is."""

    @property
    def key(self) -> str:
        """Its name in a record."""
        return f"{VALIDATION}{self.name}"


def chosen_metric(config: RunConfig, model: Representation) -> ValidationMetric:
    """Return the figure that ``training.stop_early.metric`` names.

    Raises: UsageError when no validation has such a figure, or it has no better direction.
    """
    given = config.training.stop_early.metric
    name = given.removeprefix(VALIDATION)
    has_density = model.latents is not None
    if name == AUTO:
        name = "elbo" if has_density else "terms/reconstruction"
    known = _figures(config, has_density=has_density)
    if model.classifier is not None:
        known["classification/error"] = -1
    # "mig" is the score of the codes that are scored first.
    name = next((full for full in known if full.endswith(f"/{name}") and name not in known), name)
    if name not in known:
        if name == "elbo":
            why = "the ELBO needs a distribution q(z|x), and this model has a deterministic code"
            raise UsageError(f"training.stop_early.metric={given}: {why}", _offer(known))
        message = f"training.stop_early.metric={given} is no figure of the validation"
        raise UsageError(message, _nearest(name, known) or _offer(known))
    return ValidationMetric(name, known[name])


def _figures(config: RunConfig, *, has_density: bool) -> dict[str, int]:
    """Return the figures of a validation that have a better direction, with its sign."""
    names = ["loss", "terms/reconstruction", *(["elbo"] if has_density else [])]
    for request in score_requests(config.metrics, sampled=has_density):
        if request.metric in config.validation.scores:
            rows = (row for row in QUANTITIES if row.family == request.metric and row.sign)
            filled = (row.name.replace("<codes>", request.codes) for row in rows)
            names += [name for name in filled if "<" not in name]
    return {name: _LOWER.get(name) or quantity(name).sign for name in names}


def _nearest(name: str, known: dict[str, int]) -> str | None:
    """Return a hint at a figure whose whole or last name is near, or None."""
    return nearest(name, known) or nearest(name, [full.rpartition("/")[2] for full in known])


def _offer(known: dict[str, int]) -> str:
    return f"there are {', '.join(known)}"
