"""Datasets that are kept: loaded once, and dropped before they take more memory than allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import runner.dataset
from runner.config import DatasetConfig, RunConfig
from runner.dataset import Loader, is_here, keep, load
from runner.dataset.kept import kept_ones, loads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_kept_before() -> Iterator[None]:
    keep(0)
    yield
    keep(0)


def test_by_default_nothing_is_kept(composed: Callable[..., RunConfig]):
    config = composed("dataset=digits").dataset
    assert load(config, "data", CPU) is not load(config, "data", CPU)
    assert kept_ones() == 0


def test_a_kept_dataset_is_loaded_once(composed: Callable[..., RunConfig]):
    keep(2)
    config, before = composed("dataset=digits").dataset, loads()
    first = load(config, "data", CPU)
    assert load(composed("dataset=digits").dataset, "data", CPU) is first
    assert loads() == before + 1
    assert load(config, "elsewhere", CPU) is not first


def test_other_images_of_a_dataset_are_another_one(composed: Callable[..., RunConfig]):
    keep(2)
    whole = load(composed("dataset=digits").dataset, "data", CPU)
    part = load(composed("dataset=digits", "++dataset.hold_out.label=3").dataset, "data", CPU)
    assert part.train.size < whole.train.size


def test_the_one_used_longest_ago_is_dropped_before_another_is_loaded(
    composed: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
):
    keep(2)
    names = ("digits", "pinwheel", "sprites")
    digits, pinwheel, sprites = (composed(f"dataset={name}").dataset for name in names)
    first, second = load(digits, "data", CPU), load(pinwheel, "data", CPU)
    assert load(digits, "data", CPU) is first
    counts = list[int]()
    usual = runner.dataset.DATASETS["sprites"]

    def counted(
        config: DatasetConfig, data_dir: str, device: torch.device
    ) -> runner.dataset.Dataset:
        counts.append(kept_ones())
        return usual.load(config, data_dir, device)

    monkeypatch.setitem(runner.dataset.DATASETS, "sprites", Loader(counted))  # pyright: ignore
    load(sprites, "data", CPU)
    assert counts == [1]
    assert load(digits, "data", CPU) is first
    assert load(pinwheel, "data", CPU) is not second


def test_images_of_the_user_are_read_again(composed: Callable[..., RunConfig], tmp_path: Path):
    import numpy as np

    keep(2)
    before = loads()
    for grey in (0, 9):
        np.savez(tmp_path / "mine.npz", images=np.full((20, 8, 8), grey, np.uint8))
        words = ("dataset=npz", f"dataset.path={tmp_path / 'mine.npz'}", "dataset.changed=accept")
        images = load(composed(*words).dataset, str(tmp_path), CPU).train.images(torch.arange(1))
        assert int(images.max()) == grey
    assert loads() == before
    assert not is_here(composed(*words).dataset, str(tmp_path))


@pytest.mark.parametrize(
    ("name", "expected"), [("digits", True), ("mnist", False), ("dsprites", False)]
)
def test_what_needs_a_download_is_not_here(
    composed: Callable[..., RunConfig], tmp_path: Path, name: str, *, expected: bool
):
    assert is_here(composed(f"dataset={name}").dataset, str(tmp_path)) == expected
