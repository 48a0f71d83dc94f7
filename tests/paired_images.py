"""Images with two factors, for what draws pairs that share one of them."""

from __future__ import annotations

from dataclasses import replace

import torch

from runner.dataset import Dataset, Factor, ResidentSplit


def with_second_factor(dataset: Dataset, values: int = 3) -> Dataset:
    """The same images; the second factor of the i-th is i modulo so many values."""
    every = torch.arange(dataset.train.size)
    split = ResidentSplit(
        dataset.train.images(every),
        torch.stack([dataset.train.factors(every)[:, 0], every % values], dim=1),
    )
    factors = (*dataset.factors, Factor("other", values))
    return replace(dataset, train=split, factors=factors)
