"""What a rule about a setting is, and how one that does not hold is refused."""

from __future__ import annotations

from collections.abc import Iterable

from runner.config.shown import shown
from runner.errors import UsageError

Rule = tuple[str, object, str, bool]
"""Dotted name of a setting, its value, what the value must be, whether it is."""


def refuse(rules: Iterable[Rule]) -> None:
    """Raise UsageError for the first rule that does not hold: "KEY must be RULE, got VALUE"."""
    for key, value, rule, holds in rules:
        if not holds:
            got = value if isinstance(value, str) else shown(value)
            raise UsageError(f"{key} must be {rule}, got {got}")
