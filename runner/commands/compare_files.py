"""The files of ``vaerun compare``: where they go, and what they hold."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from runner.commands.arguments import Arguments
from runner.commands.compare_figures import draw, look_of
from runner.comparison.configurations import Comparison
from runner.comparison.statistics import Difference
from runner.errors import UsageError
from runner.report.export import as_json, configurations_csv, differences_csv, relative, runs_csv
from runner.report.html import render
from runner.store.comparison_file import read_figures
from runner.store.confined import delete, make_folder, write_atomically
from runner.store.json_file import write_json
from runner.store.writable import require_writable


@dataclass(frozen=True)
class Request:
    """What is to be compared, and where the files go."""

    paths: list[Path]
    arguments: Arguments

    @property
    def root(self) -> Path:
        """The folder that no link may leave when the files are written."""
        if out := self.arguments.text("--out"):
            return Path(out)
        return self.paths[0] if len(self.paths) == 1 else Path()

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return self.root if self.arguments.text("--out") else self.root / "comparison"

    @property
    def html(self) -> Path | None:
        """Where the page goes besides."""
        given = self.arguments.text("--html")
        return Path(given) if given else None


def refuse_places(request: Request) -> None:
    """Refuse places that cannot be written, before anything is made there.

    Raises: UsageError, also for figures that there cannot be.
    """
    look_of(request.arguments)
    require_writable(request.folder, "--out names another folder")
    if (page := request.html) is not None:
        if page.is_dir():
            raise UsageError(f"cannot write to '{page}': it is a folder", "--html names a file")
        require_writable(page.parent, "--html names another file")


def write(
    console: Console, comparison: Comparison, request: Request, found: Sequence[Difference]
) -> list[Path]:
    """Draw and write a comparison, and return the files that a reader would open.

    Raises: UsageError where a folder cannot be made.
    """
    folder, root = request.folder, request.root
    earlier = read_figures(folder, root)
    html = request.html
    if html is not None:
        _make(html.parent, html.parent)
    _make(folder / "figures", root)
    look = look_of(request.arguments)
    drawn = {} if "--no-figures" in request.arguments.flags else draw(console, comparison, look)
    for name in earlier:
        # A figure of the last comparison that this one lacks would be taken for one of its own.
        delete(folder / "figures" / name, root)
    for (name, form), picture in drawn.items():
        if form in look.formats:
            write_atomically(folder / "figures" / f"{name}.{form}", picture, root)
    figures = {name: picture for (name, form), picture in drawn.items() if form == "png"}
    command = shlex.join(["vaerun", "compare", *request.arguments.given])
    named = relative(comparison, folder.parent)
    renamed = {
        id(c): other
        for c, other in zip(comparison.configurations, named.configurations, strict=True)
    }
    found = [replace(d, first=renamed[id(d.first)], second=renamed[id(d.second)]) for d in found]
    write_atomically(folder / "configurations.csv", configurations_csv(named).encode(), root)
    write_atomically(folder / "runs.csv", runs_csv(named).encode(), root)
    write_atomically(folder / "differences.csv", differences_csv(found).encode(), root)
    content = as_json(named, found, command)
    write_json(folder / "comparison.json", {**content, "figures": list(figures)}, root)
    page = render(named, found, figures, command).encode()
    pages = [folder / "comparison.html"]
    write_atomically(pages[0], page, root)
    if html is not None:
        pages.append(html)
        write_atomically(html, page)
    tables = [folder / f"{name}.csv" for name in ("configurations", "runs", "differences")]
    pictures = [folder / "figures"] if figures else []
    return [*pages, *tables, folder / "comparison.json", *pictures]


def _make(folder: Path, root: Path) -> None:
    try:
        make_folder(folder, root)
    except OSError as error:
        raise UsageError(f"'{folder}' cannot be made ({error.strerror})") from error
