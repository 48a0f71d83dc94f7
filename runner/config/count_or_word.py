"""Settings that are a whole number or one word.

``evaluation.encodings``, ``labels`` and ``pairs.differ``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from runner.config.shown import shown
from runner.errors import UsageError

ALL = "all"
"""The encodings, or the classes, of all images."""
RANDOM = "random"
"""Another number of factors for each pair."""


def parse_count(key: str, value: object) -> int | Literal["all"]:
    """Return a number of encodings or labels, or ``all``.

    Raises: UsageError for anything else.
    """
    return ALL if value == ALL else _number(key, value, ALL)


def parse_differ(key: str, value: object) -> int | Literal["random"]:
    """Return a number of factors, or ``random``.

    Raises: UsageError for anything else.
    """
    return RANDOM if value == RANDOM else _number(key, value, RANDOM)


_WORDS: Mapping[Callable[[str, object], object], str] = {
    parse_count: ALL,
    parse_differ: RANDOM,
}


def word_of(hint: object) -> str | None:
    """Return the word that a setting of this type may be; None where it is no such type."""
    parsers = getattr(hint, "__metadata__", ())
    return next((_WORDS[parser] for parser in parsers if parser in _WORDS), None)


def form(word: str, *, nullable: bool = False) -> str:
    """Return what such a setting is, in words."""
    return f"a whole number, {word} or null" if nullable else f"a whole number, or {word}"


def _number(key: str, value: object, word: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UsageError(f"{key} must be {form(word)}, got {shown(value)}")


if TYPE_CHECKING:
    ImageCount = int | Literal["all"]
    """Of so many images, or of all."""
    FactorCount = int | Literal["random"]
    """A number, or another one for each pair."""
else:  # which OmegaConf has no type for
    ImageCount = Annotated[Any, parse_count]
    FactorCount = Annotated[Any, parse_differ]
