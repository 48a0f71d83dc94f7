"""Values that are missing, refer to nothing or do not fit, in the words of the settings."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import Any

from omegaconf import OmegaConf
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

_LONGEST_CHAIN = 20
"""References that are followed; more refer to themselves."""


def explain_value(error: OmegaConfBaseException) -> UsageError:
    """Return the error for a value that is missing, or a reference that leads to none."""
    key = str(error.full_key or "a setting")
    if isinstance(error, MissingMandatoryValue):
        section = key.rpartition(".")[0]
        return UsageError(f"{key} has no value", f"{key}=VALUE; vaerun list {section or key}")
    if isinstance(error, InterpolationResolutionError) and error.child_node is not None:
        return _unresolved(key, error)
    if isinstance(error, InterpolationResolutionError):
        return UsageError(f"there is a reference to a setting, {_why_unresolved(error)}")
    if "not in" in str(error):
        return _unknown(key, error.object_type)
    return UsageError(f"{key} must be {described(_type_at(key, error.object_type))}")


def _unresolved(key: str, error: InterpolationResolutionError) -> UsageError:
    """Return the error for a reference that leads to no value, or to one of a wrong type."""
    if isinstance(error, InterpolationValidationError):
        return UsageError(f"{key} must be {described(type_of(key))}, got {shown(error.value)}")
    key, text = _end_of_references(key, error)
    written = shown(text)
    literal = rf"\${{…}} is that text itself: {key}='\${{…}}'" if is_text(key) else None
    return UsageError(f"{key} is {written}, {_why_unresolved(error)}", literal)


def _type_at(key: str, section: object) -> object:
    """Return the type of a setting in a section of some class, or that which any choice has."""
    of_section = settings_of(section) if isinstance(section, type) and is_dataclass(section) else {}
    return of_section.get(key.rpartition(".")[2], type_of(key))


def _end_of_references(key: str, error: InterpolationResolutionError) -> tuple[str, object]:
    """Return the setting whose reference cannot be resolved, and its text.

    Where beta is ``${nothing}`` and a weight is ``${beta}``, that is beta.
    """
    node: Any = error.child_node
    text: object = node._value()
    root: Any = OmegaConf.to_container(node._get_root(), resolve=False)
    for _ in range(_LONGEST_CHAIN):
        match = re.fullmatch(r"\$\{([\w.]+)\}", str(text))
        value: Any = root
        for part in match[1].split(".") if match else ():
            value = value.get(part) if isinstance(value, dict) else None
        if match is None or not isinstance(value, str) or "${" not in value:
            break
        key, text = match[1], value
    return key, text


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
