"""The setting ``evaluation.encodings``: a number of encodings, or those of all images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from runner.config.shown import shown
from runner.errors import UsageError

ALL = "all"
FORM = f"a whole number, or {ALL}"


def parse_encodings(key: str, value: object) -> int | Literal["all"]:
    """Return a number of encodings, or ``all``.

    Raises: UsageError for anything else.
    """
    if value == ALL:
        return ALL
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UsageError(f"{key} must be {FORM}, got {shown(value)}")


if TYPE_CHECKING:
    EncodingCount = int | Literal["all"]
    """A number, or all of them."""
else:  # which OmegaConf has no type for
    EncodingCount = Annotated[Any, parse_encodings]
