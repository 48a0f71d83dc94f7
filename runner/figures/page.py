"""The page that figures are drawn for: how wide it is, and so how large their text is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

DPI = 120
"""Pixels of an inch in layouts."""

PRINT_DPI = 3 * DPI
"""Pixels of an inch of PNG files for a page: journals ask for 300 or more."""

_TEXT, _SMALL_TEXT = 9.0, 7.0
"""Sizes of text in points: of a figure that is looked at on a screen, and of one on a page."""

_WIDTH: ContextVar[float | None] = ContextVar("width", default=None)


@contextmanager
def page(inches: float | None) -> Generator[None]:
    """Draw figures that are to fit a page of so many inches; None: as wide as they need."""
    token = _WIDTH.set(inches)
    try:
        yield
    finally:
        _WIDTH.reset(token)


def room(usual: float) -> float:
    """Return the width of the page in pixels, or ``usual`` where there is no page."""
    width = _WIDTH.get()
    return usual if width is None else width * DPI


def is_narrow() -> bool:
    """Return whether there is room for a single column alone."""
    return room(float("inf")) < 5 * DPI


def text_size() -> float:
    """Return the size of text, in points."""
    return _TEXT if _WIDTH.get() is None else _SMALL_TEXT
