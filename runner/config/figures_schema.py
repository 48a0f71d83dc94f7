"""Typed settings of the figures: the formats of their files, and the page that they must fit.

See ``schema`` for what these classes are for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

from runner.config.rule import Rule
from runner.config.shown import shown
from runner.errors import UsageError, nearest

FORMATS = ("png", "pdf", "svg")
"""What a figure can be written as."""

NARROWEST, WIDEST = 3.0, 20.0
"""Of a page that figures fit, in inches: no layout holds its text in less."""


def parse_formats(key: str, value: object) -> list[str]:
    """Return the formats that a setting names, one or a list of them, each once.

    Raises: UsageError for what is none, with the nearest there is.
    """
    names = cast("list[object]", value) if isinstance(value, list) else [value]
    for name in names:
        if name not in FORMATS:
            several = f"{key}=[png,pdf]" if "." in key else f"{key} png,pdf"
            hint = nearest(str(name), FORMATS) or f"of several: {several}"
            known = ", ".join(FORMATS)
            raise UsageError(f"{key} must be one or several of {known}, got {shown(name)}", hint)
    if not names:
        raise UsageError(f"{key} must name a format: {', '.join(FORMATS)}", f"{key}=png")
    return [str(name) for name in dict.fromkeys(names)]


if TYPE_CHECKING:
    Formats = list[str]
else:  # one name may stand for a list, which OmegaConf has no type for
    Formats = Annotated[Any, parse_formats]


@dataclass
class FiguresConfig:
    """How figures are written and laid out."""

    format: Formats
    width: Optional[float]  # noqa: UP045


def width_rules(key: str, width: float | None) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is) of the width of a page."""
    if width is not None:
        rule = f"between {NARROWEST:g} and {WIDEST:g} inches"
        yield key, width, rule, NARROWEST <= width <= WIDEST
