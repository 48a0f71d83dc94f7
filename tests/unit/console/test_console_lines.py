"""Lines on the terminal hold paths and names as they are."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from runner.console.lines import one_line, print_labelled
from runner.console.run_display import make_console

NAMES = ["[red]x[/red]", "a[/]b", "[link=http://x]", "a  b", "é☃", ":smile:", "\\[x]"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_printed_as_it_is(name: str):
    console = Console(file=StringIO(), width=20, _environ={})
    print_labelled(console, "grid", f"{name} and a text longer than the line")
    assert console.file.getvalue() == f"        grid  {name} and a text longer than the line\n"  # pyright: ignore


@pytest.mark.parametrize("name", NAMES)
def test_the_console_reads_no_markup(name: str, capsys: pytest.CaptureFixture[str]):
    make_console().print(name, emoji=False)
    assert capsys.readouterr().err == f"{name}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb", "a\\nb"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\rb\tc", "a\\x0db\\tc"),
        ("\u202ea", "\\u202ea"),
        ("a\n", "a"),
        ("a\udcffb", "a\\udcffb"),
    ],
)
def test_what_a_terminal_would_interpret_is_escaped(text: str, line: str):
    assert one_line(text) == line
