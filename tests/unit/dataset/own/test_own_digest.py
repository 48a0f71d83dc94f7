"""The user's own images are told from others by what they are, wherever and whenever they lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from runner.config import RunConfig
from runner.dataset import load

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
LABELS = np.arange(20) % 2


def digest(
    composed: Callable[..., RunConfig],
    folder: Path,
    *overrides: str,
    images: np.ndarray = IMAGES,
    labels: np.ndarray = LABELS,
) -> str | None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "x.npz", images=images, labels=labels)
    config = composed("dataset=npz", f"dataset.path={folder / 'x.npz'}", *overrides)
    return load(config.dataset, str(folder / "data"), torch.device("cpu")).digest


def test_a_copy_elsewhere_is_the_same(composed: Callable[..., RunConfig], tmp_path: Path):
    first = digest(composed, tmp_path / "a")
    os.utime(tmp_path / "a" / "x.npz", (1, 1))
    assert first is not None
    assert first == digest(composed, tmp_path / "b") == digest(composed, tmp_path / "a")


def test_other_pixels_labels_and_splits_are_others(
    composed: Callable[..., RunConfig], tmp_path: Path
):
    one_pixel = IMAGES.copy()
    one_pixel[3, 0, 0] ^= 1
    found = [
        digest(composed, tmp_path / "a"),
        digest(composed, tmp_path / "b", images=one_pixel),
        digest(composed, tmp_path / "c", labels=LABELS[::-1]),
        digest(composed, tmp_path / "d", "dataset.test_share=0.5"),
        digest(composed, tmp_path / "e", "dataset.test_seed=1"),
    ]
    assert len(set(found)) == 5


def test_published_images_have_none(composed: Callable[..., RunConfig]):
    config = composed("dataset=digits")
    assert load(config.dataset, "data", torch.device("cpu")).digest is None
