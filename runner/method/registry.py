"""The methods by the names that objectives have for them (``objective.method``)."""

from __future__ import annotations

from collections.abc import Mapping

from runner.config import RunConfig
from runner.errors import UsageError, nearest
from runner.method.adversarial_kind import ADVERSARIAL
from runner.method.at_once import AT_ONCE
from runner.method.boltzmann import BOLTZMANN
from runner.method.method import MethodKind
from runner.method.stacked import STACKED
from runner.method.vae import VaeKind

METHODS: Mapping[str, MethodKind] = {
    "vae": VaeKind(),
    **AT_ONCE,
    **BOLTZMANN,
    **STACKED,
    **ADVERSARIAL,
}
"""Name in ``objective.method`` → how such a method is built."""


def method_of(config: RunConfig) -> MethodKind:
    """Return the method of a run's objective.

    Raises: UsageError where there is no such method.
    """
    name = config.objective.method
    if name not in METHODS:
        known = ", ".join(METHODS)
        message = f"objective.method must be one of {known}, got '{name}'"
        raise UsageError(message, nearest(name, METHODS))
    return METHODS[name]
