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
from runner.config.shown import shown
from runner.config.value_types import described, settings_of
from runner.errors import UsageError, nearest


def explain_value(error: OmegaConfBaseException) -> UsageError:
    """Return the error for a value that is missing, or a reference that leads to none."""
    key = str(error.full_key or "a setting")
    if isinstance(error, MissingMandatoryValue):
        section = key.rpartition(".")[0]
        return UsageError(f"{key} has no value", f"{key}=VALUE; vaerun list {section or key}")
    if isinstance(error, InterpolationResolutionError) and error.child_node is not None:
        return _unresolved(key, error)
    if "not in" in str(error):
        return _unknown(key, error.object_type)
    return UsageError(f"{key} must be {described(type_of(key))}")


def _unresolved(key: str, error: InterpolationResolutionError) -> UsageError:
    """Return the error for a reference that leads to no value, or to one of a wrong type."""
    if isinstance(error, InterpolationValidationError):
        return UsageError(f"{key} must be {described(type_of(key))}, got {shown(error.value)}")
    written = shown(error.child_node._value())
    literal = rf"\${{…}} is that text itself: {key}='\${{…}}'" if is_text(key) else None
    return UsageError(f"{key} is {written}, {_why_unresolved(error)}", literal)


def _unknown(key: str, kind: object) -> UsageError:
    """Return the error for a setting that a section of some kind lacks."""
    known = [*settings_of(kind)] if isinstance(kind, type) and is_dataclass(kind) else []
    section, _, name = key.rpartition(".")
    hint = nearest(name, known) or f"{section or 'a run'} has {', '.join(known)}"
    return UsageError(f"unknown setting '{key}'", hint if known else None)


def _why_unresolved(error: InterpolationResolutionError) -> str:
    message = str(error)
    if isinstance(error, InterpolationKeyError):
        return "which refers to no setting"
    if isinstance(error, UnsupportedInterpolationType):
        return "which calls an unknown function"
    if "Recursive" in message or "RecursionError" in message:
        return "which refers to itself"
    if match := re.search(r"Environment variable '([^']*)' not found", message):
        return f"and there is no environment variable {match[1]}"
    return "which cannot be computed"
