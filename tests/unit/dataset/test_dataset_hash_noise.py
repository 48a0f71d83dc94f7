"""Numbers that are functions of a counter look random, and are the same at every visit."""

from __future__ import annotations

import pytest
import torch

from runner.dataset.hash_noise import random_words

LAST = 737_279
"""The last index of dSprites."""


def mixed(word: int) -> int:
    """The mixture in Python's own numbers, which never overflow."""
    word ^= word >> 16
    word = word * 0x21F0AAAD % 2**32
    word ^= word >> 15
    word = word * 0x735A2D97 % 2**32
    return word ^ (word >> 15)


@pytest.mark.parametrize("stream", [0, 4])
def test_the_numbers_are_those_of_exact_arithmetic(stream: int):
    indices_B = torch.tensor([0, 1, 12345, LAST])
    found = random_words(indices_B, 3072, stream=stream)
    for row, index in zip(found, indices_B.tolist(), strict=True):
        for m in (0, 1, 3071):
            counter = (index * 3072 + m) % 2**32
            expected = mixed((mixed(counter) + (stream + 1) * 0x9E3779B9) % 2**32)
            assert row[m] == expected


def test_an_image_s_numbers_do_not_depend_on_its_company():
    together = random_words(torch.tensor([7, 3, 7, 100]), 5, stream=1)
    assert torch.equal(together[0], together[2])
    for row, index in zip(together, (7, 3, 7, 100), strict=True):
        assert torch.equal(row, random_words(torch.tensor([index]), 5, stream=1)[0])


def test_no_counter_shares_its_number_with_another():
    words = random_words(torch.arange(100_000), 3, stream=0)
    assert words.unique().numel() == words.numel()
    assert words.min() >= 0
    assert words.max() < 2**32


def test_the_numbers_are_uniform_in_every_bit_and_independent_of_their_neighbours():
    words_BM = random_words(torch.arange(20_000), 4, stream=2)
    bits = (words_BM[..., None] >> torch.arange(32)) & 1
    spread = 0.5 / bits[..., 0].numel() ** 0.5
    assert (bits.double().mean((0, 1)) - 0.5).abs().max() < 5 * spread
    others = random_words(torch.arange(20_000), 4, stream=3)
    pairs = [
        (words_BM[1:], words_BM[:-1]),  # of neighbouring images
        (words_BM[:, 1:], words_BM[:, :-1]),  # of neighbouring numbers
        (words_BM, others),  # of two purposes
    ]
    for first, second in pairs:
        both = torch.stack([first.flatten(), second.flatten()]).double()
        assert abs(torch.corrcoef(both)[0, 1]) < 5 / both.shape[1] ** 0.5
