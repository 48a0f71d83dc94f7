"""Classification errors: counted by hand, and p(x, y) against quadrature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.evaluation.class_rows import class_rows
from runner.evaluation.classification import (
    classification,
    classification_error,
    log_p_of_classes,
)
from runner.model import VaeRepresentation, build
from tests.conftest import represent

Composed = Callable[..., RunConfig]
TINY = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[8]", "prior=concrete_normal",
    "prior.dimensions=1", "labels=8", "architecture.conditional=true",
    "architecture.conditional_head=shared",
)  # fmt: skip


@pytest.fixture
def model(composed: Composed) -> VaeRepresentation:
    vae = build(composed(*TINY), shape=(1, 8, 8), classes=4)
    with torch.no_grad():
        vae.encoder[-1].weight.mul_(0.5)
        vae.decoder[0].weight.mul_(2)
    return represent(vae)


def test_the_estimate_of_p_of_image_and_class_tends_to_its_integral(
    model: VaeRepresentation, toy_dataset: Dataset
):
    """The mean of 20,000 estimates from 2 samples each, which are unbiased."""
    image = toy_dataset.test.images(torch.tensor([1]))
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        images = image.expand(20000, -1, -1, -1)
        of = (model, images, model.encode(images))
        found_BK = log_p_of_classes(*of, 2, source)
        found_K = found_BK.logsumexp(0) - torch.tensor(20000.0).log()
        grid = torch.linspace(-8, 8, 1001)[:, None]
        log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(grid[:, 0])
        for k in range(4):
            z = torch.cat([torch.eye(4)[k].expand(len(grid), 4), grid], dim=1)
            log_px = model.log_px_z(image.expand(len(grid), -1, -1, -1), z)
            exact = torch.logsumexp(log_px + log_pz, 0) + torch.tensor(16 / 1000 / 4).log()
            assert float(found_K[k]) == pytest.approx(float(exact), abs=0.03)


def test_errors_are_shares_of_the_images_whose_class_is_known(
    model: VaeRepresentation, toy_dataset: Dataset
):
    encodings = encode(model, toy_dataset.test, 64, torch.Generator().manual_seed(0))
    guessed = encodings.parameters_MP[:, :4].argmax(1)
    right = (guessed == encodings.factors_MF[:, 0]).double().mean()
    found = classification_error(model, encodings, toy_dataset.class_column)
    assert found == {"error": pytest.approx(1 - float(right))}
    few = encodings.factors_MF.clone()
    few[10:] = -1
    part = classification_error(model, replace(encodings, factors_MF=few), 0)
    assert part["error"] == pytest.approx(1 - float((guessed[:10] == few[:10, 0]).double().mean()))
    assert classification_error(model, replace(encodings, factors_MF=few.fill_(-1)), 0) == {}
    assert classification_error(model, encodings, None) == {}


def test_the_summary_has_them_where_a_variable_is_the_class(
    model: VaeRepresentation, toy_dataset: Dataset, composed: Composed
):
    source = torch.Generator().manual_seed(0)
    encodings = encode(model, toy_dataset.test, 32, source)
    summary = summarize(model, toy_dataset, encodings, source, 2)
    assert list(summary["classification"]) == ["error", "error_importance_weighted"]
    error = summary["classification"]["error"]
    expected = (error * (1 - error) / 32) ** 0.5
    assert summary["standard_errors"]["classification"]["error"] == pytest.approx(expected)
    assert list(classification(model, toy_dataset, encodings, 0, source)) == ["error"]
    plain = represent(build(composed(*TINY, "labels=null"), shape=(1, 8, 8), classes=4))
    assert "classification" not in summarize(plain, toy_dataset, encodings, source, 2)
    assert class_rows(plain, encodings.z_MW[:2], 9) is None


def test_rows_have_one_style_in_every_class(model: VaeRepresentation, toy_dataset: Dataset):
    encodings = encode(model, toy_dataset.test, 3, torch.Generator().manual_seed(0))
    rows = class_rows(model, encodings.z_MW, 9)
    assert rows is not None
    assert rows.shape == (3, 4, 1, 8, 8)
    code = encodings.z_MW[[1]].clone()
    code[0, :4] = torch.tensor([0.0, 0.0, 1.0, 0.0])
    torch.testing.assert_close(rows[1, 2], model.decode(code)[0])
    assert class_rows(model, encodings.z_MW, 2).shape[1] == 2  # pyright: ignore
