"""``vaerun fetch``: bring the files of a dataset, and unpack them once."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from runner.commands.arguments import Arguments
from runner.commands.manual import FETCH
from runner.config import PUBLISHED_ELSEWHERE
from runner.config.composition import compose
from runner.console.run_display import make_console
from runner.console.safe_console import SafeConsole
from runner.dataset import COLLECTIONS, DATASETS, SOURCES, Source, mnist
from runner.dataset.archive import archive as published
from runner.dataset.archive import checksums as files
from runner.dataset.archive.download import download
from runner.dataset.archive.source import RemoteFile
from runner.errors import InterruptedRun, UsageError, nearest

_PLAIN_SECONDS = 5.0
"""Between two lines where there is no terminal to draw a bar on."""


def run(arguments: Arguments) -> int:
    """Bring the datasets that are named, or list those that there are; return the exit code.

    Raises:
        UsageError: there is no such dataset, or a setting is not ``data_dir``.
        DataError: a file cannot be had, or is not the published one.
        InterruptedRun: by Ctrl-C; the same command goes on from there.
    """
    names = arguments.operands
    root = Path(_data_dir(arguments.overrides)).expanduser()
    for name in names:
        _require_known(name)
    if not names:
        _list(root)
    try:
        for file in _unverifiable(names, root):
            _accept(file, arguments)
        for name in names:
            _fetch(name, root, make_console())
    except KeyboardInterrupt as error:
        hint = "what has arrived is kept: the same command goes on from there"
        raise InterruptedRun("interrupted", hint, 2) from error
    return 0


def _require_known(name: str) -> None:
    """Raise UsageError where there is no such dataset, or its files are not to be downloaded."""
    if name in PUBLISHED_ELSEWHERE:
        hint = f"bring {PUBLISHED_ELSEWHERE[name]}"
        raise UsageError(f"the files of {name} are not downloaded by vaerun", hint)
    known = [name for name, loader in DATASETS.items() if loader.is_kept]
    if name not in known:
        hint = nearest(name, known) or f"datasets: {', '.join(known)}"
        raise UsageError(f"unknown dataset '{name}'", hint)


def _data_dir(overrides: list[str]) -> str:
    """Return the folder of the datasets, as a run with these settings would have it."""
    for override in overrides:
        key, _, value = override.partition("=")
        if key != "data_dir":
            hint = nearest(key, ["data_dir"]) or FETCH.usage[0]
            raise UsageError(f"fetch does not know the setting '{key}'", hint)
        if not value:
            raise UsageError("data_dir= names no folder")
    return str(compose(overrides[-1:]).settings.data_dir)


def _unverifiable(names: list[str], root: Path) -> list[RemoteFile]:
    """Return the files to be downloaded that cannot be told from others, for want of a digest."""
    found: list[RemoteFile] = []
    for source in (SOURCES[name] for name in names if name in SOURCES):
        is_unpacked = published.images_file(source, root).is_file()
        for group in (() if is_unpacked else source.files, source.beside):
            lacking = files.missing(group, files.home(source, group, root)) if group else []
            found += [file for file in lacking if file.digest is None]
    return list(dict.fromkeys(found))


def _accept(file: RemoteFile, arguments: Arguments) -> None:
    """Ask whether to take a file as it comes, unless ``--unverified`` says so.

    Raises: UsageError where the answer is no, or nobody can be asked.
    """
    what = f"{file.name} comes without a digest: whether it is the published file cannot be checked"
    if "--unverified" in arguments.flags:
        sys.stderr.write(f"note: {what}\n")
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write(f"{what}\ndownload it from {file.url}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    command = shlex.join(["vaerun", "fetch", *arguments.given, "--unverified"])
    raise UsageError(what, f"{command} takes it as it comes")


def _fetch(name: str, root: Path, console: Console) -> None:
    if name in COLLECTIONS:
        collection = COLLECTIONS[name]
        mnist.load(collection, str(root), torch.device("cpu"))
        _tell(console, name, root / collection.folder)
    elif name in SOURCES:
        _bring(SOURCES[name], root, console)
        _tell(console, name, root / SOURCES[name].folder)
    else:
        console.print(f"{name} comes with the program: there is nothing to fetch")


def _bring(source: Source, root: Path, console: Console) -> None:
    """Download what is missing, verify it, and unpack it if that has not been done."""
    is_unpacked = published.images_file(source, root).is_file()
    for group in (() if is_unpacked else source.files, source.beside):
        folder = files.home(source, group, root)
        for file in files.missing(group, folder):
            with _Meter(console, file.name, file.size, in_bytes=True) as meter:
                download(file, folder / file.name, advance=meter.advance)
        files.require(source, group, root)
    if not is_unpacked:
        with _Meter(console, f"unpacking {source.name}", source.images, in_bytes=False) as meter:
            published.unpack(source, root, meter.advance)


def _tell(console: Console, name: str, folder: Path) -> None:
    console.print(f"{name} is ready: vaerun dataset={name}", highlight=False)
    sys.stdout.write(f"{folder}\n")  # the one line for other programs


class _Meter:
    """How much is done: a bar on a terminal, a line every few seconds elsewhere."""

    def __init__(self, console: Console, title: str, total: int | None, *, in_bytes: bool) -> None:
        self._console, self._title, self._total, self._in_bytes = console, title, total, in_bytes
        counted = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
        columns: tuple[ProgressColumn, ...] = (BarColumn(), *counted, TimeRemainingColumn())
        is_live = console.is_terminal and not console.is_dumb_terminal
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            *columns,
            console=console,
            disable=not is_live,
        )
        self._task = self._bar.add_task(title, total=total)
        self._done = self._told = 0
        self._next_line = time.monotonic() + _PLAIN_SECONDS

    def __enter__(self) -> _Meter:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._done != self._told:
            self._print_line()

    def advance(self, count: int) -> None:
        """Note that ``count`` further bytes or images are done."""
        self._done += count
        self._bar.advance(self._task, count)
        if time.monotonic() >= self._next_line:
            self._print_line()

    def _print_line(self) -> None:
        self._next_line = time.monotonic() + _PLAIN_SECONDS
        self._told = self._done
        if not self._bar.disable:
            return
        shown = [_amount(n) if self._in_bytes else f"{n:,}" for n in (self._done, self._total or 0)]
        line = " of ".join(shown if self._total else shown[:1])
        self._console.print(f"{self._title}: {line}", markup=False, highlight=False, soft_wrap=True)


def _list(root: Path) -> None:
    """Print what can be fetched, how large it is, and whether it is there."""
    table = Table(title="fetch", title_justify="left", title_style="bold", box=None, padding=(0, 2))
    for heading in ("", "download", "unpacked", ""):
        table.add_column(heading, justify="right" if heading else "left", header_style="dim")
    for name, collection in COLLECTIONS.items():
        if name != collection.name:  # drawn from another's files
            continue
        parts = (*collection.train, *collection.test)
        is_there = mnist.is_there(collection, root)
        size = sum(part.size for part in parts)
        table.add_row(Text(name, "cyan"), "", _amount(size), _there(root, is_there=is_there))
    for name, source in SOURCES.items():
        sizes = [file.size for file in (*source.files, *source.beside)]
        known = [size for size in sizes if size is not None]
        download_size = _amount(sum(known)) if len(known) == len(sizes) else "not known"
        is_there = published.images_file(source, root).is_file() and not files.missing(
            source.beside, files.home(source, source.beside, root)
        )
        unpacked = _amount(published.unpacked_bytes(source))
        table.add_row(Text(name, "cyan"), download_size, unpacked, _there(root, is_there=is_there))
    for name in PUBLISHED_ELSEWHERE:
        table.add_row(Text(name, "cyan"), "", "", Text(f"by hand: vaerun fetch {name}", "dim"))
    console = SafeConsole(markup=False)
    console.print(table)
    console.print(Text("vaerun fetch NAME ... [data_dir=DIR]", "dim"))


def _there(root: Path, *, is_there: bool) -> Text:
    return Text(f"in '{root}'" if is_there else "", "dim")


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
