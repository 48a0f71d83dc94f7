"""Text that comes from files cannot act on the terminal."""

from __future__ import annotations

import io

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from runner.console.run_display import print_error, print_settings
from runner.console.safe_console import SafeConsole

TEXTS = {
    "\x1b[2Jgone": r"\x1b[2Jgone",
    "\x1b]0;title\x07": r"\x1b]0;title",
    "a\x9b31mb": r"a\x9b31mb",
    "\x00\x7f": r"\x00\x7f",
    "abc\u202edef": r"abc\u202edef",
    "a\u2028b": r"a\u2028b",
    "half \udcff": r"half \udcff",
    "plain, ü, β, 你好": "plain, ü, β, 你好",
}


def console(*, terminal: bool = False) -> tuple[SafeConsole, io.StringIO]:
    out = io.StringIO()
    return SafeConsole(file=out, force_terminal=terminal, width=100, highlight=False), out


@pytest.mark.parametrize("text", TEXTS)
def test_control_characters_are_shown_as_escapes(text: str):
    for shown in (text, Text(text), Panel(Text(text)), Text(text, style="bold")):
        plain, out = console()
        plain.print(shown, markup=False)
        assert TEXTS[text] in out.getvalue()
        out.getvalue().encode()


@pytest.mark.parametrize("text", TEXTS)
def test_in_a_table_they_may_be_cut_and_do_not_act(text: str):
    table = Table("name")
    table.add_row(Text(text))
    plain, out = console()
    plain.print(table)
    assert TEXTS[text][:3] in out.getvalue()
    assert not set(out.getvalue()) & (set(text) - set(TEXTS[text]))


@pytest.mark.parametrize("text", TEXTS)
def test_errors_and_settings_are_shown_so(text: str):
    plain, out = console()
    print_error(plain, f"'{text}' is wrong", f"not {text}")
    print_settings(plain, "run", {"name": text})
    assert TEXTS[text] in out.getvalue()
    assert not set(out.getvalue()) & (set(text) - set(TEXTS[text]))
    assert len(out.getvalue().splitlines()) == 4


def test_what_rich_itself_tells_the_terminal_is_kept():
    terminal, out = console(terminal=True)
    terminal.print(Text("a\x1b[31mb", style="bold"))
    terminal.show_cursor()
    assert "\x1b[1m" in out.getvalue()
    assert r"a\x1b[31mb" in out.getvalue()
    assert out.getvalue().endswith("\x1b[?25h")


def test_lines_stay_lines():
    plain, out = console()
    plain.print("one\ntwo")
    assert out.getvalue() == "one\ntwo\n"
