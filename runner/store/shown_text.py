"""Text from files, made safe to show: no character of it acts on a terminal or hides another."""

from __future__ import annotations

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline, and so every escape
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of the text
    "\u2028\u2029\ufeff"  # line breaks that are not seen as such, and a mark that is not seen
    "\ud800-\udfff]"  # halves of characters, which cannot be printed
)


def escaped(text: str) -> str:
    r"""Return a text with every character that acts, and is not seen, written as an escape.

    Such as ``\x1b`` for the one that begins a command to the terminal. Tabs and newlines stay.
    """
    return _ACTING.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
