"""Pairs of images differ in as many factors as they should, whatever images there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Generator, Tensor

from runner.config import CorrelationConfig, FactorCount
from runner.dataset import Dataset, Factor, Partners, ResidentSplit, partners_of, sprites
from runner.dataset.smallnorb import FACTORS as TOYS
from runner.dataset.smallnorb import INSTANCES
from runner.dataset.subset import correlate, hold_out
from runner.errors import UsageError

CPU = torch.device("cpu")
SMALL = (Factor("a", 3), Factor("b", 4), Factor("c", 1), Factor("d", 2))


def grid(factors: tuple[Factor, ...], copies: int = 1) -> Tensor:
    cells = product(*(range(factor.size) for factor in factors))
    return torch.tensor(list(cells)).repeat_interleave(copies, 0)


def data(factors: tuple[Factor, ...], factors_NF: Tensor) -> Dataset:
    split = ResidentSplit(torch.zeros(len(factors_NF), 1, 2, 2, dtype=torch.uint8), factors_NF)
    return Dataset("made", split, split, False, factors, (1, 2, 2), None, ())  # noqa: FBT003


def shuffled(factors_NF: Tensor, share: float = 1.0) -> Tensor:
    """Some rows in another order."""
    order = torch.randperm(len(factors_NF), generator=Generator().manual_seed(1))
    return factors_NF[order[: round(share * len(order))]]


def holes() -> Dataset:
    return data(SMALL, shuffled(grid(SMALL), 0.7))


def toys() -> Dataset:
    """The grid of SmallNORB, each combination of factors many times."""
    return data(TOYS, grid(TOYS, copies=INSTANCES))


def whole_sprites() -> Dataset:
    return sprites.load(CPU)


def without_large_hearts() -> Dataset:
    return hold_out(whole_sprites(), {"shape": "heart", "scale": [4, 5]}, CPU)


def along_the_diagonal() -> Dataset:
    return correlate(whole_sprites(), CorrelationConfig(["x", "y"], 0.1), CPU)


IMAGES = [whole_sprites, without_large_hearts, along_the_diagonal, toys, holes]


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("differ", [1, 2, "random"])
def test_a_pair_differs_in_exactly_so_many_factors(
    images: Callable[[], Dataset], differ: FactorCount
):
    dataset = images()
    partners = partners_of(dataset)
    varying = sum(factor.size > 1 for factor in dataset.factors)
    partners.check(differ, dataset.name)
    first = torch.randint(dataset.train.size, (300,), generator=Generator().manual_seed(2))
    pair = partners.draw(first, differ, Generator().manual_seed(3))
    for index in pair:
        assert 0 <= int(index.min()) <= int(index.max()) < dataset.train.size
    one, other = (dataset.train.factors(index) for index in pair)
    numbers = set((one != other).sum(1).tolist())
    assert numbers == ({*range(1, varying)} if differ == "random" else {differ})


def test_first_images_with_partners_are_kept():
    dataset = without_large_hearts()
    given = torch.randint(dataset.train.size, (300,), generator=Generator().manual_seed(2))
    first, _ = partners_of(dataset).draw(given, 1, Generator().manual_seed(3))
    assert torch.equal(first, given)


def test_a_first_image_without_a_partner_is_replaced():
    factors_NF = grid((Factor("a", 2), Factor("b", 3)))
    alone = torch.tensor([[2, 3]])  # shares neither value with another image
    factors = (Factor("a", 3), Factor("b", 4))
    partners = Partners.of(factors, torch.cat([factors_NF, alone]))
    first, second = partners.draw(torch.tensor([6, 0, 6]), 1, Generator().manual_seed(0))
    assert first[1] == 0
    assert 6 not in [*first.tolist(), *second.tolist()]


def test_every_partner_is_as_likely_as_the_others_that_share_the_factor():
    partners = Partners.of(SMALL, grid(SMALL))
    first, second = partners.draw(torch.zeros(24_000).long(), 1, Generator().manual_seed(0))
    assert first.unique().tolist() == [0]
    counts = second.bincount(minlength=24)
    # a: 2 other values, b: 3, d: 1; a third of the pairs each.
    expected = {8: 4000, 16: 4000, 2: 8000 / 3, 4: 8000 / 3, 6: 8000 / 3, 1: 8000}
    assert {int(i) for i in counts.nonzero()} == set(expected)
    for index, count in expected.items():
        assert abs(float(counts[index]) - count) < 5 * count**0.5


def test_any_of_the_images_of_a_combination_is_drawn():
    factors = (Factor("a", 2), Factor("b", 2))
    partners = Partners.of(factors, shuffled(grid(factors, copies=5)))
    _, second = partners.draw(torch.zeros(2000).long(), 1, Generator().manual_seed(0))
    assert len(second.unique()) == 10


def test_pairs_depend_on_the_generator_alone():
    partners, first = partners_of(holes()), torch.arange(16)
    for differ in (1, "random"):
        one, same, other = (
            partners.draw(first, differ, Generator().manual_seed(seed))[1] for seed in (0, 0, 1)
        )
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


def test_the_partners_of_a_split_are_found_once():
    dataset = toys()
    assert partners_of(dataset) is partners_of(replace(dataset, name="again"))


def test_images_of_which_few_have_a_partner_are_refused():
    factors = tuple(Factor(name, 50) for name in "abcd")
    source = Generator().manual_seed(0)
    sparse = torch.randint(50, (2000, 4), generator=source)
    with pytest.raises(UsageError, match=r"in 1 factor alone is found for \d+ of 1,000"):
        Partners.of(factors, sparse).check(1, "made")


def test_a_value_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match="to be known"):
        Partners.of(SMALL, torch.tensor([[0, -1, 0, 0]]))


def test_more_combinations_than_can_be_counted_are_refused():
    factors = tuple(Factor(f"f{i}", 1000) for i in range(7))
    with pytest.raises(UsageError, match="7 factors have too many combinations"):
        Partners.of(factors, torch.zeros(1, 7).long())
