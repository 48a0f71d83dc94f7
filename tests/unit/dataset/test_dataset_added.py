"""Datasets that a user's file adds: selected from as ours are, and looked at before use."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from runner.config.composition import compose
from runner.dataset import Dataset, load
from runner.errors import DataError, UsageError

FILE = """
import torch
from runner.dataset import Dataset, Factor, ResidentSplit
from runner.plugins import add_dataset

def load(data_dir, device, *, count):
    labels = torch.arange(count)[:, None] % 3
    images = torch.zeros(count, 1, 16, 16, dtype=torch.uint8)
    factors = (Factor("kind", 3),)
    class_factor, class_names = "kind", ("a", "b", "c")
    {}
    split = ResidentSplit(images, labels)
    return Dataset("mine", split, split, False, factors, (1, 16, 16), class_factor, class_names)

add_dataset("mine", load, settings={{"count": 12}})
"""


def loaded(tmp_path: Path, change: str = "", *overrides: str) -> Dataset:
    path = tmp_path / "mine.py"
    path.write_text(FILE.format(change))
    config = compose([f"plugins=[{path}]", "dataset=mine", *overrides]).parse()
    return load(config.dataset, config.data_dir, torch.device("cpu"))


def test_it_is_loaded_with_its_settings(tmp_path: Path):
    assert loaded(tmp_path).train.size == 12
    assert loaded(tmp_path, "", "dataset.count=30").train.size == 30


def test_combinations_are_held_out_as_of_ours(tmp_path: Path):
    dataset = loaded(tmp_path, "", "dataset.hold_out={kind: b}")
    assert dataset.train.size == 8
    assert dataset.held_out_combinations is not None
    assert dataset.held_out_combinations.size == 4


def test_it_needs_no_factors(tmp_path: Path):
    none = "labels, factors, class_factor, class_names = labels[:, :0], (), None, ()"
    assert loaded(tmp_path, none).factors == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("return images", "line 15: it must return a runner.dataset.Dataset, not Tensor"),
        ("images = images.float()", "train images must be bytes (torch.uint8), from 0 to 255"),
        ("images = images[:, 0]", "train images must have the shape (12, 1, 16, 16), and have"),
        ("images, labels = images[:0], labels[:0]", "its train split has no images"),
        ("labels = labels.float()", "factors must be whole numbers (torch.int64), not torch.float"),
        ("labels = labels + 1", "train factor 'kind' has values beyond its 3"),
        ("factors, class_factor = (), None", "train factors must have a column for each of its 0"),
        ("class_factor = 'sort'", "its class_factor 'sort' is none of its factors"),
        ("class_names = ('a',)", "its class has 3 values and 1 class_names"),
    ],
)
def test_a_dataset_whose_parts_do_not_fit_is_refused(tmp_path: Path, change: str, message: str):
    with pytest.raises(DataError) as caught:
        loaded(tmp_path, change)
    assert caught.value.message.startswith("dataset 'mine': ")
    assert message in caught.value.message


def test_an_error_in_it_is_one_line(tmp_path: Path):
    with pytest.raises(UsageError, match=r"dataset 'mine': '.*mine\.py', line 11: KeyError: 'x'"):
        loaded(tmp_path, "{}['x']")
