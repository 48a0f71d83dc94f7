"""Pairs of training images that differ in some of their factors and in no other.

Training images need not cover the grid of their factors: pairs are drawn among those that there
are. All is drawn on the CPU, so that a seed has the same pairs on every device.

Shapes: N images of a split, F factors, H pairs, T proposals for a pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Generator, Tensor

from runner.config import RANDOM, FactorCount
from runner.dataset.factor_grid import grid_factors
from runner.dataset.splits import Dataset, Factor, Split
from runner.errors import UsageError

_PROPOSALS = (1, 8, 64)
"""Second images proposed for a pair, in turn, until one of them is there."""
_FIRST_IMAGES = 1000
"""Most often that a first image is replaced for which no second one was found."""
_LEAST_SHARE = 0.1
"""Of first images for which a second one must be found."""
_MOST_CELLS = 2**62


@dataclass(frozen=True, eq=False)
class Partners:
    """Draws the second image of a pair among all images of a split."""

    factors: tuple[Factor, ...]
    cells_N: Tensor
    """The place of every image on the grid of all combinations of the factors, int64."""
    sorted_N: Tensor
    """The same in order."""
    order_N: Tensor
    """The images in that order."""

    @classmethod
    def of(cls, factors: Sequence[Factor], factors_NF: Tensor) -> Partners:
        """Return the partners of images with these factors.

        Raises: UsageError when the grid has more places than can be counted, or a value of a factor
            is not known.
        """
        sizes = [factor.size for factor in factors]
        if math.prod(sizes) > _MOST_CELLS:
            raise UsageError(f"objective.pairs: {len(sizes)} factors have too many combinations")
        if factors_NF.numel() and int(factors_NF.min()) < 0:
            raise UsageError("objective.pairs needs the factors of all training images to be known")
        cells_N = (factors_NF.cpu() * _strides(factors)).sum(1)
        sorted_N, order_N = cells_N.sort(stable=True)
        return cls(tuple(factors), cells_N, sorted_N, order_N)

    def draw(
        self, first_H: Tensor, differ: FactorCount, source: Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the first and the second image of every pair, (H,) each, int64, on the CPU.

        A second image differs from the first in exactly ``differ`` factors, or in another number of
        them for each pair, uniform between 1 and all but one. Which they are, and the values that
        they have instead, are uniform among those of which an image has been found; where several
        images have these factors, it is one of them. A first image without a partner is replaced
        by another one.

        Raises: UsageError when hardly any image has a partner.
        """
        differ_H = self._numbers(len(first_H), differ, source)
        second_H = self._search(first_H, differ_H, source)
        for _ in range(_FIRST_IMAGES):
            (missing,) = (second_H < 0).nonzero(as_tuple=True)
            if len(missing) == 0:
                return first_H, second_H
            others = torch.randint(len(self.cells_N), missing.shape, generator=source)
            first_H = first_H.index_copy(0, missing, others)
            found = self._search(others, differ_H[missing], source)
            second_H = second_H.index_copy(0, missing, found)
        raise UsageError("objective.pairs: hardly any training image has a partner")

    def check(self, differ: FactorCount, name: str) -> None:
        """Refuse images of which few have a partner.

        Raises: UsageError saying how many of some have one.
        """
        source = Generator().manual_seed(0)
        first_H = torch.randperm(len(self.cells_N), generator=source)[:_FIRST_IMAGES]
        differ_H = self._numbers(len(first_H), differ, source)
        found = int((self._search(first_H, differ_H, source) >= 0).sum())
        if found < _LEAST_SHARE * len(first_H):
            number = "some factors" if differ == RANDOM else f"{differ} factor{'s' * (differ > 1)}"
            raise UsageError(
                f"objective.pairs: a partner that differs in {number} alone is found for "
                f"{found:,} of {len(first_H):,} training images of {name}",
                "the images should have most combinations of their factors",
            )

    def _numbers(self, pairs: int, differ: FactorCount, source: Generator) -> Tensor:
        """Return the number of factors that differ in each pair, (H,)."""
        if differ == RANDOM:
            varying = sum(factor.size > 1 for factor in self.factors)
            return torch.randint(1, varying, (pairs,), generator=source)
        return torch.full((pairs,), differ)

    def _search(self, first_H: Tensor, differ_H: Tensor, source: Generator) -> Tensor:
        """Return the second image of every pair, (H,), or -1 where none was found."""
        second_H = torch.full_like(first_H, -1)
        for proposals in _PROPOSALS:
            (missing,) = (second_H < 0).nonzero(as_tuple=True)
            if len(missing) == 0:
                break
            found_TH = self._propose(first_H[missing], differ_H[missing], proposals, source)
            chosen_H = (found_TH >= 0).int().argmax(0, keepdim=True)  # the first that is there
            second_H[missing] = found_TH.gather(0, chosen_H)[0]
        return second_H

    def _propose(
        self, first_H: Tensor, differ_H: Tensor, proposals: int, source: Generator
    ) -> Tensor:
        """Return proposed second images, (T, H), or -1 where no image has the proposed factors."""
        shape = (proposals, len(first_H), len(self.factors))
        sizes_F = torch.tensor([factor.size for factor in self.factors])
        factors_HF = grid_factors(self.factors, self.cells_N[first_H])
        # A factor of one value, which cannot differ, comes last in the random order of factors.
        order_THF = torch.rand(shape, generator=source) + (sizes_F < 2)
        is_other_THF = order_THF.argsort(2).argsort(2) < differ_H[:, None]
        steps_THF = 1 + (torch.rand(shape, generator=source) * (sizes_F - 1)).long()
        steps_THF = steps_THF.minimum((sizes_F - 1).clamp_min(1))  # a product may round up
        values_THF = (factors_HF + steps_THF * is_other_THF) % sizes_F
        cells_TH = (values_THF * _strides(self.factors)).sum(2)
        start_TH = torch.searchsorted(self.sorted_N, cells_TH)
        count_TH = torch.searchsorted(self.sorted_N, cells_TH, right=True) - start_TH
        among_TH = (torch.rand(cells_TH.shape, generator=source) * count_TH).long()
        place_TH = start_TH + among_TH.minimum((count_TH - 1).clamp_min(0))
        images_TH = self.order_N[place_TH.clamp_max(len(self.order_N) - 1)]
        return torch.where(count_TH > 0, images_TH, -1)


def _strides(factors: Sequence[Factor]) -> Tensor:
    """Return how far apart neighbouring values of each factor lie on the grid, (F,)."""
    sizes = [factor.size for factor in factors]
    return torch.tensor([math.prod(sizes[place + 1 :]) for place in range(len(sizes))])


_known: WeakKeyDictionary[Split, Partners] = WeakKeyDictionary()


def partners_of(dataset: Dataset) -> Partners:
    """Return the partners of the training images of a dataset, found once for a split.

    Raises: as :meth:`Partners.of`.
    """
    split = dataset.train
    if split not in _known:
        every_N = torch.arange(split.size)  # which selects from tensors of any device
        _known[split] = Partners.of(dataset.factors, split.factors(every_N))
    return _known[split]
