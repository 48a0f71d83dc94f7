"""Images as whole tensors on the training device, and the factors that they vary in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from runner.config import DatasetConfig
from runner.dataset import digits, mnist, pinwheel, sprites
from runner.dataset.splits import Dataset, Factor, ResidentSplit, Split
from runner.errors import UsageError, nearest

__all__ = ["DATASETS", "Dataset", "Factor", "ResidentSplit", "Split", "load"]

DATASETS: Mapping[str, Callable[[str, torch.device], Dataset]] = {
    "sprites": lambda _, device: sprites.load(device),
    "digits": lambda _, device: digits.load(device),
    "mnist": lambda data_dir, device: mnist.load(mnist.MNIST, data_dir, device),
    "fashion_mnist": lambda data_dir, device: mnist.load(mnist.FASHION_MNIST, data_dir, device),
    "pinwheel": lambda _, device: pinwheel.load(device),
}
"""Name in ``conf/dataset/`` → (data_dir, device) → dataset."""


def load(config: DatasetConfig, data_dir: str, device: torch.device) -> Dataset:
    """Return the dataset that ``config`` names, on ``device``.

    Raises:
        UsageError: there is no such dataset.
        DataError: its files are missing and cannot be downloaded, or are corrupt.
    """
    if config.name not in DATASETS:
        hint = nearest(config.name, DATASETS) or f"datasets: {', '.join(DATASETS)}"
        raise UsageError(f"unknown dataset '{config.name}'", hint)
    return DATASETS[config.name](data_dir, device)
