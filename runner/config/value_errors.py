"""Values that are missing, refer to nothing or do not fit, in the words of the settings."""

from __future__ import annotations

import re
from dataclasses import is_dataclass

from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    InterpolationValidationError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
)

from runner.config.setting_types import is_text, type_of
from runner.config.value_types import described, settings_of, shown
from runner.errors import UsageError, nearest


def explain_value(error: OmegaConfBaseException) -> UsageError:
    """Return the error for a value that is missing, or a reference that leads to none."""
    key = str(error.full_key or "a setting")
    written = shown(error.child_node._value()) if error.child_node is not None else "not known"
    if isinstance(error, MissingMandatoryValue):
        section = key.rpartition(".")[0]
        return UsageError(f"{key} has no value", f"{key}=VALUE; vaerun list {section or key}")
    if isinstance(error, InterpolationValidationError):
        return UsageError(f"{key} must be {described(type_of(key))}, got {shown(error.value)}")
    literal = rf"\${{…}} is that text itself: {key}='\${{…}}'" if is_text(key) else None
    if isinstance(error, InterpolationKeyError):
        return UsageError(f"{key} is {written}, which refers to no setting", literal)
    if isinstance(error, UnsupportedInterpolationType):
        return UsageError(f"{key} is {written}, which calls an unknown function", literal)
    if isinstance(error, InterpolationResolutionError):
        return UsageError(f"{key} is {written}, {_why_unresolved(str(error))}", literal)
    if "not in" in str(error):
        known = [*settings_of(error.object_type)] if is_dataclass(error.object_type) else []
        section, _, name = key.rpartition(".")
        hint = nearest(name, known) or f"{section or 'a run'} has {', '.join(known)}"
        return UsageError(f"unknown setting '{key}'", hint if known else None)
    return UsageError(f"{key} must be {described(type_of(key))}")


def _why_unresolved(message: str) -> str:
    if "Recursive" in message or "RecursionError" in message:
        return "which refers to itself"
    if match := re.search(r"Environment variable '([^']*)' not found", message):
        return f"and there is no environment variable {match[1]}"
    return "which cannot be computed"
