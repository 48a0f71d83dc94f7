"""The methods by the names that objectives have for them (``objective.method``)."""

from __future__ import annotations

from collections.abc import Mapping

from runner.config import RunConfig
from runner.method.method import MethodKind
from runner.method.vae import VaeKind

METHODS: Mapping[str, MethodKind] = {"vae": VaeKind()}
"""Name in ``objective.method`` → how such a method is built."""


def method_of(config: RunConfig) -> MethodKind:
    """Return the method of a run's objective."""
    return METHODS[config.objective.method]
