"""Digits on a canvas: drawn as their factors say, from the right split of MNIST."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit, is_here, load
from runner.errors import UsageError

CPU = torch.device("cpu")


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Thirty noisy digits of either split; those of the test split are darker."""
    source = torch.Generator().manual_seed(0)
    splits = []
    for low, high in ((100, 256), (1, 100)):
        images = torch.zeros(30, 1, 28, 28, dtype=torch.uint8)
        ink = torch.randint(low, high, (30, 1, 20, 16), generator=source)
        images[:, :, 4:24, 6:22] = ink.to(torch.uint8)
        splits.append(ResidentSplit(images, (torch.arange(30) % 10)[:, None]))
    found = Dataset(
        "mnist", *splits, has_test_split=True, factors=(Factor("label", 10),), shape=(1, 28, 28),
        class_factor="label", class_names=tuple("0123456789"),
    )  # fmt: skip
    monkeypatch.setattr("runner.dataset.mnist.load", lambda *_: found)
    return found


@pytest.fixture
def canvases(mnist: Dataset, composed: Callable[..., RunConfig]) -> Dataset:
    words = ("dataset=multi_mnist", "dataset.images=300", "dataset.test_images=80")
    return load(composed(*words).dataset, "data", CPU)


def test_an_image_is_what_its_factors_say(canvases: Dataset, mnist: Dataset):
    for split, source, brightest in (
        (canvases.train, mnist.train, 255), (canvases.test, mnist.test, 99),
    ):  # fmt: skip
        every = torch.arange(split.size)
        images_NCHW, factors_NF = split.images(every), split.factors(every)
        assert int(images_NCHW.max()) == brightest
        for image, (count, *slots) in zip(images_NCHW[:60, 0], factors_NF.tolist(), strict=False):
            rest, digits = image.clone(), 0
            for kind, x, y in (slots[:3], slots[3:6], slots[6:]):
                if kind == 10:
                    assert (x, y) == (37, 37)
                    continue
                digits += 1
                seen = image[y : y + 28, x : x + 28]
                ink = source.images(torch.arange(kind, 30, 10))[:, 0]
                # The boxes of ink do not overlap, so one of the digits of this kind is there whole.
                assert (torch.where(ink > 0, seen, 0) == ink).all((1, 2)).any()
                rest[y + 4 : y + 24, x + 6 : x + 22] = 0
            assert digits == count
            assert not rest.any()


def test_the_class_is_the_count_and_each_is_as_frequent(canvases: Dataset):
    labels_N, is_known_N = canvases.labels(canvases.train, torch.arange(300))
    assert canvases.class_names == ("0", "1", "2", "3")
    assert is_known_N.all()
    assert torch.bincount(labels_N).tolist() == pytest.approx([75] * 4, abs=30)
    assert [factor.name for factor in canvases.factors] == [
        "count", "digit_1", "x_1", "y_1", "digit_2", "x_2", "y_2", "digit_3", "x_3", "y_3"
    ]  # fmt: skip
    assert not canvases.is_factor_grid


def test_images_do_not_depend_on_the_minibatch(canvases: Dataset):
    indices_B = torch.tensor([7, 3, 7, 299])
    every_NCHW = canvases.train.images(torch.arange(300))
    assert torch.equal(canvases.train.images(indices_B), every_NCHW[indices_B])
    assert canvases.train.images(indices_B[:0]).shape == (0, 1, 64, 64)


@pytest.mark.parametrize(
    "changes", [("dataset.seed=1",), ("dataset.digits=2", "dataset.size=50"), ("dataset.size=80",)]
)
def test_settings_say_what_is_drawn(
    changes: tuple[str, ...], canvases: Dataset, mnist: Dataset, composed: Callable[..., RunConfig]
):
    words = ("dataset=multi_mnist", "dataset.images=300", "dataset.test_images=80", *changes)
    config = composed(*words).dataset
    other = load(config, "data", CPU)
    assert other.shape == (1, config.size, config.size)  # pyright: ignore[reportAttributeAccessIssue]
    images_BCHW = other.train.images(torch.arange(20))
    assert images_BCHW.shape[1:] == other.shape
    if other.shape == canvases.shape:
        assert not torch.equal(images_BCHW, canvases.train.images(torch.arange(20)))
    sizes = torch.tensor([factor.size for factor in other.factors])
    factors_NF = other.train.factors(torch.arange(300))
    assert ((factors_NF >= 0) & (factors_NF < sizes)).all()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dataset.digits=0", "between 1 and 20"),
        ("dataset.size=27", "between 28"),
        ("dataset.overlap=1.5", "between 0 and 1"),
        ("dataset.images=1", "between 2 and"),
        ("dataset.seed=10000", "between 0 and 9999"),
    ],
)
def test_values_that_make_no_sense_are_refused(
    word: str, message: str, composed: Callable[..., RunConfig]
):
    with pytest.raises(UsageError, match=f"{word.partition('=')[0]} must be {message}"):
        composed("dataset=multi_mnist", word)


def test_it_is_here_where_mnist_is(
    tmp_path, monkeypatch: pytest.MonkeyPatch, composed: Callable[..., RunConfig]
):
    config = composed("dataset=multi_mnist").dataset
    assert not is_here(config, str(tmp_path))
    monkeypatch.setattr("runner.dataset.is_there", lambda *_: True)
    assert is_here(config, str(tmp_path))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_draws_the_same(mnist: Dataset, composed: Callable[..., RunConfig]):
    words = ("dataset=multi_mnist", "dataset.images=300", "dataset.test_images=80")
    every, config = torch.arange(300), composed(*words).dataset
    there = load(config, "data", torch.device("cuda")).train
    here = load(config, "data", CPU).train
    assert torch.equal(there.images(every.cuda()).cpu(), here.images(every))
    assert torch.equal(there.factors(every.cuda()).cpu(), here.factors(every))
