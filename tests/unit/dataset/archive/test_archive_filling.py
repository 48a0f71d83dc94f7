"""Chunks of images copied into one array."""

from __future__ import annotations

import numpy as np

from runner.dataset.archive.filling import fill

IMAGES = np.arange(7, dtype=np.uint8).reshape(7, 1, 1, 1).repeat(2, axis=3)


def test_chunks_come_in_order_and_progress_counts_every_image():
    filled, told = np.zeros_like(IMAGES), []
    fill(filled, iter([IMAGES[:3], IMAGES[3:6], IMAGES[6:]]), told.append)
    assert (filled == IMAGES).all()
    assert told == [3, 3, 1]


def test_every_image_goes_to_its_place():
    filled, places = np.zeros_like(IMAGES), np.array([6, 0, 5, 1, 4, 2, 3])
    fill(filled, iter([IMAGES[:4], IMAGES[4:]]), lambda _: None, places)
    assert (filled[places] == IMAGES).all()
