"""The files of a folder as ``vaerun show`` prints them, with their sizes."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from runner.console.lines import one_line
from runner.store.sizes import size_text, sizes

_LABEL = 10
_MOST_FILES = 14


def print_files(console: Console, path: Path) -> None:
    """Print the entries of a folder with their sizes, largest first, and the size of all."""
    found = sizes(path)
    visible = {name: count for name, count in found.items() if not name.startswith(".")}
    figures = figures_of(path)
    total = size_text(sum(found.values()))
    console.print(
        Text.assemble(("files".rjust(_LABEL), "dim"), f"  {total} in {one_line(str(path))}")
    )
    for name, count in list(visible.items())[:_MOST_FILES]:
        is_folder = (path / name).is_dir()
        label = f"{one_line(name)}{'/' if is_folder else ''}"
        more = f"  {', '.join(figures)}" if name == "figures" else ""
        line = f"{' ' * _LABEL}  {size_text(count):>8}  {label}{more}"
        console.print(Text(line), soft_wrap=True)
    if len(visible) > _MOST_FILES:
        console.print(Text(f"{' ' * _LABEL}  and {len(visible) - _MOST_FILES:,} more", "dim"))


def figures_of(path: Path) -> list[str]:
    """Return the names of the figures of a run."""
    folder = path / "figures"
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(one_line(each.name) for each in folder.iterdir() if each.name[0] != ".")
