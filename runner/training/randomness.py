"""Noise and minibatches as functions of (seed, purpose, step), never of a global generator.

A run is the same alone, resumed, or beside others, because nothing it draws depends on what was
drawn before.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import torch
from torch import Generator, Tensor

from runner.config import UNPAIRED, FactorCount, RunConfig
from runner.dataset import Dataset, Partners, partners_of


def generator(device: torch.device, seed: int, purpose: str, index: int = 0) -> Generator:
    """Return a generator whose numbers depend on its arguments alone."""
    name = f"{seed}/{purpose}/{index}".encode()
    state = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little") >> 1
    return Generator(device).manual_seed(state)


class Sampler(Protocol):
    """Which examples each step sees."""

    def batch(self, step: int) -> Tensor:
        """Return the indices of the examples of a step, counted from zero, (B,).

        They depend on the step alone, not on the steps asked for before.
        """
        ...


def new_sampler(dataset: Dataset, config: RunConfig, device: torch.device, purpose: str) -> Sampler:
    """Return the sampler of a run; samplers of different purposes are independent."""
    images, batch, seed, pairs = (
        dataset.train.size, config.batch_size, config.seed, config.objective.pairs,
    )  # fmt: skip
    if pairs.posterior == UNPAIRED:
        return BatchSampler(images, batch, seed, device, purpose)
    first = BatchSampler(images, batch // 2, seed, torch.device("cpu"), purpose)
    return PairSampler(first, partners_of(dataset), pairs.differ, device)


class BatchSampler:
    """The images of each step: a new permutation of all images in every epoch.

    Batches are always full, so the last ``images % batch_size`` of an epoch are left out.
    """

    def __init__(
        self, images: int, batch_size: int, seed: int, device: torch.device, purpose: str = "order"
    ) -> None:
        self.images = images
        self.purpose = purpose
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self._epoch = -1
        self._order_N = torch.empty(0)

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch."""
        return self.images // self.batch_size

    def batch(self, step: int) -> Tensor:
        """Return the indices of the images of a step, counted from zero, (B,)."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            # Drawn on the CPU: the order of a seed is the same on every device.
            source = generator(torch.device("cpu"), self.seed, self.purpose, epoch)
            self._order_N = torch.randperm(self.images, generator=source).to(self.device)
            self._epoch = epoch
        return self._order_N[place * self.batch_size : (place + 1) * self.batch_size]


class PairSampler:
    """The pairs of each step: rows 2i and 2i + 1 differ in some of their factors alone.

    ``first`` gives the first image of every pair, on the CPU.
    """

    def __init__(
        self,
        first: BatchSampler,
        partners: Partners,
        differ: FactorCount,
        device: torch.device,
    ) -> None:
        self.first, self.partners, self.device = first, partners, device
        self.differ: FactorCount = differ

    def batch(self, step: int) -> Tensor:
        """Return the indices of the images of a step, counted from zero, (B,)."""
        # Drawn on the CPU: the pairs of a seed are the same on every device.
        purpose = f"{self.first.purpose} pairs"
        source = generator(torch.device("cpu"), self.first.seed, purpose, step)
        pairs = self.partners.draw(self.first.batch(step), self.differ, source)
        indices_B = torch.stack(pairs, dim=1).flatten()
        if self.device.type == "cuda":  # from pinned memory, so that the copy is not waited for
            return indices_B.pin_memory().to(self.device, non_blocking=True)
        return indices_B.to(self.device)
