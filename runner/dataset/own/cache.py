"""The user's images in the form that training reads: made once, and found again by what made them.

A folder of ``data_dir/prepared/`` holds ``images.npy``, ``factors.npy`` and ``about.json``, which
is written last: without it, or where the arrays are not as it says, the images are read again.

Shapes: N images, C H W image, F factors.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray

from runner import progress
from runner.config import OwnDatasetConfig
from runner.dataset.archive.residency import free_memory, place
from runner.dataset.own.factors import FactorTable, class_of
from runner.dataset.splits import Dataset, Factor
from runner.errors import DataError, UsageError, nearest

_FORMAT = 1
"""Raised when the same files and settings would be prepared differently."""

_NEWER = {"pattern", "test_by"}
"""Settings that came later, and are left out where they are not used: images that were prepared
without them are found again."""

Fill = Callable[[NDArray[np.uint8]], None]
"""Writes all images, (N, C, H, W), in their final order."""


@dataclass(frozen=True)
class Plan:
    """What is known of the images before they are read."""

    shape: tuple[int, int, int]
    factors: FactorTable
    """In the order in which the images are written."""
    test_images: int
    """Images at the end that are the test split; 0: there is none."""
    fill: Fill
    notes: tuple[str, ...] = ()
    """What the user should know, one line each: files that were skipped."""


def split_order(
    images: int, share: float, seed: int, of: str = "images"
) -> tuple[NDArray[np.int64], int]:
    """Return the images in an order with the test images at the end, and how many these are.

    Both parts keep the order that they had. ``of`` is what a message calls them.

    Raises: UsageError when one of the parts is empty.
    """
    test = round(images * share)
    if share > 0 and not 0 < test < images:
        raise UsageError(
            f"dataset.test_share={share:g} of {images:,} {of} leaves an empty split",
            "dataset.test_share=0 has none",
        )
    chosen = np.zeros(images, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(images)[:test]] = True
    return np.argsort(chosen, kind="stable"), test


def split_by(
    known: FactorTable, factors: Sequence[str], share: float, seed: int
) -> tuple[NDArray[np.int64], int]:
    """Return images in an order as :func:`split_order`, with whole values of factors in the test.

    The combinations of the values of ``factors`` are split, and each image goes with its own.

    Raises: UsageError when there is no such factor, or one of the parts is empty.
    """
    for name in factors:
        if name not in known.names:
            hint = nearest(name, known.names) or f"factors: {', '.join(known.names) or 'none'}"
            raise UsageError(f"dataset.test_by: there is no factor '{name}'", hint)
    columns_NK = known.numbers_NF[:, [known.names.index(name) for name in factors]]
    combinations, place_N = np.unique(columns_NK, axis=0, return_inverse=True)
    order, test = split_order(len(combinations), share, seed, f"values of {' and '.join(factors)}")
    is_test_N = np.isin(place_N.reshape(-1), order[len(order) - test :])
    return np.argsort(is_test_N, kind="stable"), int(is_test_N.sum())


def prepared(
    config: OwnDatasetConfig,
    source: Mapping[str, Any],
    plan: Callable[[], Plan],
    data_dir: str,
    device: torch.device,
) -> Dataset:
    """Return the dataset of a configuration, from the cache where it is there.

    Args:
        config: the settings.
        source: what the images depend on, beside the settings: names, sizes and times of files.
        plan: finds out what is to be read; called only if it is not in the cache.
        data_dir: the folder in which ``prepared/`` lies.
        device: the training device.

    Raises: UsageError or DataError when the images cannot be used.
    """
    settings = {
        name: value
        for name, value in asdict(config).items()
        if name not in {"hold_out", "correlated", "class_factor", "path", "changed"}
        and not (name in _NEWER and not value)
    }
    made_of = json.dumps([_FORMAT, settings, source], sort_keys=True, default=str)
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    folder = Path(data_dir).expanduser() / "prepared" / f"{config.name}-{digest}"
    about = _read(folder)
    if about is None:
        made = plan()
        _write(folder, made, Path(str(config.path)))
        about = _read(folder)
        if about is None:
            raise DataError(f"'{folder}' cannot be read again", "name another folder: data_dir=…")
    for note in about["notes"]:
        progress.say(note)
    return _dataset(config, folder, about, device)


def _dataset(
    config: OwnDatasetConfig, folder: Path, about: Mapping[str, Any], device: torch.device
) -> Dataset:
    images_NCHW: NDArray[np.uint8] = np.load(folder / "images.npy", mmap_mode="r")
    numbers_NF: NDArray[np.int64] = np.load(folder / "factors.npy")
    test = int(about["test_images"])
    splits = place(
        images_NCHW,
        torch.from_numpy(numbers_NF).to(device),
        (len(images_NCHW) - test,) if test else (),
        free_bytes=free_memory(device),
    )
    values = {name: tuple(named) for name, named in about["factors"]}
    found = FactorTable(tuple(values), tuple(values.values()), numbers_NF)
    chosen = class_of(found, config.class_factor)
    channels, height, width = images_NCHW.shape[1:]
    return Dataset(
        name=config.name,
        train=splits[0],
        test=splits[-1],
        has_test_split=test > 0,
        factors=tuple(Factor(name, len(named)) for name, named in values.items()),
        shape=(channels, height, width),
        class_factor=chosen,
        class_names=values[chosen] if chosen else (),
        is_factor_grid=False,
        digest=about["digest"],
    )


def _read(folder: Path) -> dict[str, Any] | None:
    """Return what a folder of the cache says of itself, or None where it is not whole."""
    try:
        about = json.loads((folder / "about.json").read_bytes())
        for name, size in about["bytes"].items():
            if (folder / name).stat().st_size != size:
                return None
        factors = hashlib.sha256((folder / "factors.npy").read_bytes()).hexdigest()
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    is_whole = factors == about.get("factors_sha256") and isinstance(about.get("digest"), str)
    return about if is_whole else None


def _write(folder: Path, plan: Plan, path: Path) -> None:
    images = len(plan.factors.numbers_NF)
    needed = images * math.prod(plan.shape)
    with _making(folder) as partial:
        free = shutil.disk_usage(partial).free
        if free < needed:  # a mapped file that outgrows the disk ends the process
            raise DataError(
                f"the images of '{path}' need {needed / 1e9:.1f} GB in '{folder.parent}', "
                f"where {free / 1e9:.1f} GB are free",
                "make room, or name a folder on another disk with data_dir=…",
            )
        shape = (images, *plan.shape)
        images_NCHW = npy.open_memmap(
            partial / "images.npy", mode="w+", dtype=np.uint8, shape=shape
        )
        plan.fill(images_NCHW)
        images_NCHW.flush()
        np.save(partial / "factors.npy", plan.factors.numbers_NF)
        content = (partial / "factors.npy").read_bytes()
        factors = list(zip(plan.factors.names, plan.factors.values, strict=True))
        about = {
            "images_from": str(path.expanduser().absolute()),
            "factors": factors,
            "test_images": plan.test_images,
            "notes": plan.notes,
            "bytes": {
                name: (partial / name).stat().st_size for name in ("images.npy", "factors.npy")
            },
            "factors_sha256": hashlib.sha256(content).hexdigest(),
            "digest": _digest(partial / "images.npy", [factors, plan.test_images], content),
        }
        (partial / "about.json").write_text(json.dumps(about, ensure_ascii=False), "utf-8")


def _digest(images: Path, about: object, factors: bytes) -> str:
    """Return what tells these images and factors from others, wherever their files lie."""
    with images.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
    found.update(json.dumps(about, default=str).encode())
    found.update(factors)
    return found.hexdigest()


@contextmanager
def _making(folder: Path) -> Generator[Path]:
    """Yield a folder beside ``folder`` that takes its place when it is complete."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another process was faster, with the same images
            partial.rename(folder)
    except OSError as error:
        raise DataError(
            f"cannot write to '{folder.parent}': {error.strerror or error}",
            "name a folder that can be written to with data_dir=…",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def reordered(found: FactorTable, order_N: NDArray[np.int64]) -> FactorTable:
    """Return a table with its images in another order."""
    return replace(found, numbers_NF=found.numbers_NF[order_N])
