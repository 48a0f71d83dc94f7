"""``vaerun list``: what can be chosen, read from the YAML that offers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.config import GRID_GROUPS, GROUPS, data_root
from runner.errors import UsageError, nearest


@dataclass(frozen=True)
class Choice:
    """One YAML file: its name, what its first comment says, and its keys with their help."""

    name: str
    help: str
    keys: tuple[tuple[str, str], ...]


def choices(group: str) -> list[Choice]:
    """Return the choices of a group of ``conf/``, or the files of ``sweeps/`` for ``sweep``."""
    root = data_root()
    folders = (root / "sweeps", Path("sweeps")) if group == "sweep" else (root / "conf" / group,)
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}
    return [read_choice(path) for _, path in sorted(files.items())]


def read_choice(path: Path) -> Choice:
    """Return what a YAML file says of itself in its comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line[1:].strip() for line in lines if re.match(r"#(?!\s*@package)", line)]
    keys: list[tuple[str, str]] = []
    above: list[tuple[int, str]] = []
    for line in lines:
        match = re.match(r"( *)(\w+):(.*)", line)
        if match is None:
            continue
        indent, key, rest = len(match[1]), match[2], match[3]
        above = [(depth, name) for depth, name in above if depth < indent]
        value, _, text = rest.partition(" # ")
        dotted = ".".join([name for _, name in above] + [key])
        if text:
            keys.append((dotted + (f"={value.strip()}" if value.strip() else ""), text.strip()))
        above.append((indent, key))
    return Choice(path.stem, " ".join(comments[:1]), tuple(keys))


def show(words: list[str]) -> None:
    """Print the groups and their choices, or the choices of one group with their settings.

    Raises: UsageError when there is no such group.
    """
    groups = (*GROUPS, "sweep", *GRID_GROUPS)
    console = Console()
    if not words:
        for group in groups:
            _print_group(console, group, with_keys=False)
        console.print("[dim]vaerun list GROUP shows the settings of its choices[/]")
        return
    for group in words:
        if group not in groups:
            hint = nearest(group, groups) or f"groups: {', '.join(groups)}"
            raise UsageError(f"unknown group '{group}'", hint)
        _print_group(console, group, with_keys=True)


def _print_group(console: Console, group: str, *, with_keys: bool) -> None:
    table = Table(title=group, title_justify="left", title_style="bold", box=None, padding=(0, 2))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column()
    table.show_header = False
    for choice in choices(group):
        table.add_row(f"{group}={choice.name}", Text(choice.help))  # brackets are not markup
        if with_keys:
            for key, text in choice.keys:
                table.add_row(Text(f"  {key}", "green"), Text(text, "dim"))
    console.print(table)
