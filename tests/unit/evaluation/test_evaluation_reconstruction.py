"""Reconstruction errors, against their definitions, and on images held out of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.evaluation import reconstruction
from runner.evaluation.reconstruction import generalisation, reconstruction_error
from runner.model import VAE, build
from tests.conftest import represent

TINY = ("architecture=mlp", "architecture.widths=[8]")
PRIORS = {
    "normal": ("prior=normal", "prior.dimensions=2"),
    "concrete": ("prior=concrete_normal",),
    "code": ("prior=code", "objective=ae"),
    "log_normal": ("prior=log_normal",),
}


@pytest.fixture
def modelled(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> Callable[..., VAE]:
    def build_model(*overrides: str) -> VAE:
        return build(composed(*TINY, *overrides), shape=(1, 8, 8), classes=toy_dataset.classes)

    return build_model


def errors_of(model: VAE, split: ResidentSplit, samples: int = 1000) -> dict[str, float]:
    source = torch.Generator().manual_seed(0)
    return reconstruction_error(represent(model), split, samples=samples, source=source)[0]


@pytest.mark.parametrize("name", PRIORS)
@torch.no_grad()
def test_errors_are_those_of_the_mean_code(modelled, toy_dataset: Dataset, name: str):
    model = modelled(*PRIORS[name])
    unit_NCHW = toy_dataset.test.images(torch.arange(256)) / 255
    code_NW = model.latents.posterior_mean(model.encode(unit_NCHW))
    if name == "concrete":
        code_NW[:, :4] = torch.eye(4)[code_NW[:, :4].argmax(1)]
    drawn_NCHW = model.decode_mean(code_NW)
    cross_entropy = torch.nn.functional.binary_cross_entropy(drawn_NCHW, unit_NCHW, reduction="sum")
    found = errors_of(model, toy_dataset.test)
    assert list(found) == ["reconstruction/squared_error", "reconstruction/nats"]
    expected = float((drawn_NCHW - unit_NCHW).square().mean())
    assert found["reconstruction/squared_error"] == pytest.approx(expected, rel=1e-5)
    assert found["reconstruction/nats"] == pytest.approx(float(cross_entropy) / 256, rel=1e-5)


def test_chunks_do_not_matter(modelled, toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    model = modelled("prior=normal")
    whole = errors_of(model, toy_dataset.test)
    monkeypatch.setattr(reconstruction, "_CHUNK", 60)
    assert errors_of(model, toy_dataset.test) == pytest.approx(whole, rel=1e-6)


def test_the_standard_errors_are_those_of_the_images(modelled, toy_dataset: Dataset):
    model = modelled("prior=normal")
    parts = [
        errors_of(
            model, ResidentSplit(toy_dataset.test.images(rows), toy_dataset.test.factors(rows))
        )
        for rows in torch.arange(256)[:, None]
    ]
    source = torch.Generator().manual_seed(0)
    _, errors = reconstruction_error(represent(model), toy_dataset.test, samples=256, source=source)
    for name, error in errors.items():
        of_images = torch.tensor([part[name] for part in parts], dtype=torch.float64)
        assert error == pytest.approx(float(of_images.std()) / 16, rel=1e-5)


def test_held_out_images_are_evaluated_separately(modelled, toy_dataset: Dataset):
    model, images = modelled("prior=normal"), toy_dataset.test.images
    first, last = torch.arange(128), torch.arange(128, 256)
    dark = ResidentSplit(images(last) // 8, toy_dataset.test.factors(last))
    dataset = replace(
        toy_dataset,
        train=ResidentSplit(images(first), toy_dataset.test.factors(first)),
        held_out_combinations=dark,
    )
    source = torch.Generator().manual_seed(0)
    found, errors = generalisation(represent(model), dataset, samples=1000, source=source)
    assert found == pytest.approx(
        {
            f"reconstruction/{part}/{name.removeprefix('reconstruction/')}": value
            for part, split in (("trained", dataset.train), ("held_out", dark))
            for name, value in errors_of(model, split).items()
        }
    )
    assert len(found) == 4
    assert errors.keys() == found.keys()
    held_out = found["reconstruction/held_out/squared_error"]
    assert abs(found["reconstruction/trained/squared_error"] - held_out) > 0.01


def test_without_held_out_images_there_is_no_score(modelled, toy_dataset: Dataset):
    source = torch.Generator().manual_seed(0)
    assert generalisation(
        represent(modelled("prior=normal")), toy_dataset, samples=10, source=source
    ) == ({}, {})
