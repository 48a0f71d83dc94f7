"""Single lines on the terminal: a label in front, and nothing that a terminal would interpret."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from runner.store.shown_text import escaped

LABEL_WIDTH = 12


def print_labelled(console: Console, label: str, text: str) -> None:
    """Print a label in the margin and a text beside it, on one line, whatever the text holds."""
    line = Text.assemble((label.rjust(LABEL_WIDTH), "dim"), "  ", one_line(text))
    console.print(line, highlight=False, soft_wrap=True)


def one_line(text: str) -> str:
    """Return a text as one line that a terminal takes literally: what does not print is escaped.

    A path may have any character but NUL, also a line feed or a terminal's escape.
    """
    return escaped(text.strip("\n")).replace("\t", "\\t").replace("\n", "\\n")
