"""Images on the device and images on the disk are the same images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.dataset import ResidentSplit
from runner.dataset.archive.residency import MappedSplit, free_memory, place

N = 40
SHAPE = (N, 3, 4, 5)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("mapped") / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8))
    return np.load(path, mmap_mode="r")


FACTORS = torch.arange(N)[:, None] % torch.tensor([3, 7])


@given(st.lists(st.integers(0, N - 1), min_size=1, max_size=30))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_kinds_of_split_answer_alike(images: np.ndarray, indices: list[int]):
    (resident,) = place(images, FACTORS, (), free_bytes=2 * images.nbytes)
    (mapped,) = place(images, FACTORS, (), free_bytes=2 * images.nbytes - 1)
    assert isinstance(resident, ResidentSplit)
    assert isinstance(mapped, MappedSplit)
    indices_B = torch.tensor(indices)
    expected = torch.from_numpy(np.stack([images[i] for i in indices]))
    for split in (resident, mapped):
        assert split.size == N
        assert torch.equal(split.images(indices_B), expected)
        assert split.images(indices_B).dtype == torch.uint8
        assert torch.equal(split.factors(indices_B), FACTORS[indices_B])


@pytest.mark.parametrize("free_bytes", [0, 10**12])
def test_splits_are_parted_where_they_should(images: np.ndarray, free_bytes: int):
    train, test = place(images, FACTORS, (33,), free_bytes=free_bytes)
    assert (train.size, test.size) == (33, 7)
    assert torch.equal(train.images(torch.tensor([32]))[0], torch.tensor(images[32]))
    every = torch.arange(7)
    assert torch.equal(test.images(every), torch.tensor(images[33:]))
    assert torch.equal(test.factors(every), FACTORS[33:])


def test_images_that_stay_on_the_disk_are_not_read_into_memory(images: np.ndarray):
    train, _ = place(images, FACTORS, (33,), free_bytes=0)
    assert isinstance(train, MappedSplit)
    assert isinstance(train.images_NCHW, np.memmap)
    assert np.shares_memory(train.images_NCHW, images)


def test_images_are_brought_to_the_device_in_chunks(images, monkeypatch):
    monkeypatch.setattr("runner.dataset.archive.residency._CHUNK_BYTES", 7 * images[0].nbytes + 1)
    (split,) = place(images, FACTORS, (), free_bytes=10**12)
    assert torch.equal(split.images(torch.arange(N)), torch.tensor(images))


def test_the_cpu_has_some_memory_and_not_all_memory():
    assert 0 < free_memory(torch.device("cpu")) < 2**50


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu_both_kinds_answer_on_the_gpu(images: np.ndarray):
    device = torch.device("cuda")
    assert 0 < free_memory(device) <= torch.cuda.get_device_properties(device).total_memory
    indices_B = torch.tensor([5, 0, 39, 5], device=device)
    for free_bytes in (0, 10**12):
        (split,) = place(images, FACTORS.to(device), (), free_bytes=free_bytes)
        found = split.images(indices_B)
        assert found.device.type == "cuda"
        assert torch.equal(found.cpu(), torch.tensor(images)[indices_B.cpu()])
