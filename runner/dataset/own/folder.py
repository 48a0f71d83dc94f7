"""``dataset=folder``: images that are files in a folder and its subfolders.

``dataset=yale_faces`` is such a folder too, whose files' names tell the factors.

Shapes: N images, C H W image.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from runner import progress
from runner.config import PUBLISHED_ELSEWHERE, DatasetConfig, FolderConfig
from runner.dataset.own import file_names, pictures, tables
from runner.dataset.own.cache import Plan, prepared, reordered, split_by, split_order
from runner.dataset.own.factors import FactorTable, table
from runner.dataset.own.pictures import Form, Look
from runner.dataset.splits import Dataset
from runner.errors import DataError, UsageError, nearest

Item = TypeVar("Item")

_THREADS = min(8, os.cpu_count() or 1)
"""Pillow decodes outside of Python's lock."""

_CHUNK = 64
"""Images that wait to be written at a time."""


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return the images of ``config.path``, read once and from the cache thereafter.

    Raises:
        UsageError: the settings do not fit what is in the folder.
        DataError: there is no image, or a file or table cannot be used.
    """
    if not isinstance(config, FolderConfig):
        raise TypeError("folder needs its own settings")
    root = Path(str(config.path)).expanduser()
    files = find_images(root, PUBLISHED_ELSEWHERE.get(config.name))
    beside = _table_of(config, root)
    source = {
        "images": [(file, *_stamp(root / file)) for file in files],
        "table": (str(beside), *_stamp(beside)) if beside else None,
    }
    return prepared(config, source, lambda: _plan(config, root, files, beside), data_dir, device)


def find_images(root: Path, source: str | None = None) -> list[str]:
    """Return the images below a folder by their paths within it, sorted; hidden ones are left out.

    Links are followed, but not in circles. ``source`` says where the images can be had.

    Raises: DataError when there is no folder, or no image in it.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"dataset.path: '{root}' {what}", _similar(root) or source)
    found: list[str] = []
    visited: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        below[:] = [] if real in visited else sorted(n for n in below if not n.startswith("."))
        if real in visited:
            continue
        visited.add(real)
        inside = Path(folder).relative_to(root)
        found += [
            (inside / name).as_posix()
            for name in names
            if Path(name).suffix.lower() in pictures.SUFFIXES and not name.startswith(".")
        ]
    if not found:
        kinds = ", ".join(sorted(suffix[1:] for suffix in pictures.SUFFIXES))
        raise DataError(
            f"dataset.path: there is no image in '{root}'", source or f"images end in {kinds}"
        )
    return sorted(found)


def _similar(root: Path) -> str | None:
    parent = root.parent
    folders = [path.name for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    return nearest(root.name, folders)


def _stamp(path: Path) -> tuple[int, int]:
    """Return the size of a file and the time of its last change, in nanoseconds."""
    try:
        status = path.stat()
    except OSError:  # a link to nothing; it is named when it is read
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _table_of(config: FolderConfig, root: Path) -> Path | None:
    """Return the table of factors, or None where the folders' names are the labels or none are."""
    if config.factors in {"folders", "none"} or config.pattern is not None:
        return None
    if config.factors == "auto":
        return next((root / name for name in tables.USUAL if (root / name).is_file()), None)
    for path in (Path(config.factors).expanduser(), root / config.factors):
        if path.is_file():
            return path
    hint = nearest(config.factors, ("auto", "folders", "none"))
    raise DataError(f"dataset.factors: there is no table '{config.factors}'", hint)


@dataclass(frozen=True)
class _Found:
    """The images that can be read."""

    files: list[str]
    looks: list[Look]
    notes: tuple[str, ...]


def _plan(config: FolderConfig, root: Path, files: Sequence[str], beside: Path | None) -> Plan:
    notes: tuple[str, ...] = ()
    if config.pattern is not None:
        source = PUBLISHED_ELSEWHERE.get(config.name)
        files, notes = file_names.named_alike(files, config.pattern, root, source)
    readable = _look_at(config, root, files)
    form = _form(config, root, readable)
    kept = readable.files
    columns = _columns(config, kept, beside)
    known = table(columns, len(kept), config.bins) if columns else FactorTable.none(len(kept))
    order_N, test = _split(config, kept, known)
    ordered = [root / kept[n] for n in order_N]
    return Plan(
        shape=form.shape,
        factors=reordered(known, order_N),
        test_images=test,
        fill=lambda images_NCHW: _fill(images_NCHW, ordered, form),
        notes=(*notes, *readable.notes),
    )


def _columns(
    config: FolderConfig, files: Sequence[str], beside: Path | None
) -> dict[str, list[object]]:
    """Return the value of each factor for each image."""
    if config.pattern is not None:
        return file_names.columns_for(files, config.pattern)
    if beside:
        return tables.columns_for(tables.read_rows(beside), files, beside)
    if config.factors in {"auto", "folders"}:
        return _labels(files, required=config.factors == "folders")
    return {}


def _look_at(config: FolderConfig, root: Path, files: Sequence[str]) -> _Found:
    """Return the images that are intact, all of which are decoded once for that."""
    errors: dict[str, str] = {}
    looks: dict[str, Look] = {}

    def check(file: str) -> Look | DataError:
        try:
            seen = pictures.look(root / file)
            pictures.read(root / file, Form(1, 1, 1, "stretch"))
        except DataError as error:
            return error
        return seen

    with ThreadPoolExecutor(_THREADS) as threads:
        checked = _shown(threads.map(check, files), len(files), "looking at the images")
        for file, seen in zip(files, checked, strict=True):
            if isinstance(seen, DataError):
                errors[file] = seen.message
                if config.broken == "refuse":
                    raise DataError(seen.message, "dataset.broken=skip leaves such files out")
            else:
                looks[file] = seen
    if not looks:
        raise DataError(f"none of the {len(files):,} images in '{root}' is intact")
    notes: tuple[str, ...] = ()
    if errors:
        some = ", ".join(list(errors)[:3]) + (" …" if len(errors) > 3 else "")
        notes = (f"{len(errors):,} of {len(files):,} images are broken and left out: {some}",)
    return _Found(list(looks), list(looks.values()), notes)


def _form(config: FolderConfig, root: Path, found: _Found) -> Form:
    channels = config.channels or (1 if all(seen.is_grey for seen in found.looks) else 3)
    if config.size is not None:
        return Form(channels, config.size, config.size, config.fit)
    sizes = {(seen.height, seen.width) for seen in found.looks}
    if len(sizes) > 1:
        shown = ", ".join(f"{height}x{width}" for height, width in islice(sorted(sizes), 3))
        raise UsageError(
            f"dataset.size=null needs images of one size, and '{root}' has {shown}"
            + (" …" if len(sizes) > 3 else ""),
            "dataset.size=64 brings all to one",
        )
    height, width = sizes.pop()
    return Form(channels, height, width, config.fit)


def _labels(files: Sequence[str], *, required: bool) -> dict[str, list[object]]:
    """Return the names of the folders that images lie in as their label, if all lie in one."""
    folders = [Path(file).parent.name for file in files]
    if all(folders) and (required or len(set(folders)) > 1):
        return {"label": list(folders)}
    if required:
        loose = next((file for file in files if not Path(file).parent.name), files[0])
        raise DataError(f"dataset.factors=folders: '{loose}' lies in no subfolder")
    return {}


def _split(
    config: FolderConfig, files: Sequence[str], known: FactorTable
) -> tuple[NDArray[np.int64], int]:
    if config.test_by:
        return split_by(known, config.test_by, config.test_share, config.test_seed)
    if config.test_folder is None:
        return split_order(len(files), config.test_share, config.test_seed)
    wanted = Path(config.test_folder).as_posix().strip("/") + "/"
    is_test_N = np.array([file.startswith(wanted) for file in files])
    test = int(is_test_N.sum())
    if not 0 < test < len(files):
        tops = sorted({file.partition("/")[0] for file in files if "/" in file})
        share = "no image" if test == 0 else "every image"
        hint = nearest(config.test_folder, tops) or f"subfolders: {', '.join(tops) or 'none'}"
        raise UsageError(f"dataset.test_folder: {share} lies in '{config.test_folder}'", hint)
    return np.argsort(is_test_N, kind="stable"), test


def _fill(images_NCHW: NDArray[np.uint8], paths: Sequence[Path], form: Form) -> None:
    read = partial(pictures.read, form=form)
    with ThreadPoolExecutor(_THREADS) as threads:
        for first in _shown(range(0, len(paths), _CHUNK), None, "reading the images"):
            chunk = paths[first : first + _CHUNK]
            for n, image in enumerate(threads.map(read, chunk), first):
                images_NCHW[n] = image


def _shown(items: Iterable[Item], count: int | None, title: str) -> Iterable[Item]:
    """Return items with a bar on terminals; elsewhere one line says what is done."""
    console = Console(stderr=True)
    if progress.is_silenced() or not console.is_terminal:
        progress.say(f"{title}, once")
        return items
    return track(items, title, total=count, console=console, transient=True)
