"""What the commands whose product is a text print: on stdout, for people or for programs."""

from __future__ import annotations

import json
import sys

from rich.console import Console

from runner.console.safe_console import SafeConsole
from runner.store.json_file import standard

_UNBOUNDED = 100_000
"""Columns of a pipe, in which nothing is cut or broken."""


def product_console() -> Console:
    """Return the console on stdout; in a pipe it has no colours and does not break lines."""
    console = SafeConsole(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    return console


def print_json(content: object) -> None:
    """Print plain values as JSON; a number that is not finite becomes null."""
    text = json.dumps(standard(content), indent=2, allow_nan=False, ensure_ascii=False)
    # Half a character, from the name of a file that is no text, has no place in JSON.
    sys.stdout.write(text.encode(errors="replace").decode() + "\n")
