"""Scores that need densities, for models without them, of another kind, and on the GPU."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.errors import UsageError
from runner.evaluation import Evaluator, encode, score_requests, summarize
from runner.evaluation.information import information
from runner.evaluation.marginal_likelihood import log_likelihood
from runner.evaluation.mig_density import mig_density
from runner.evaluation.pruning import pruning
from runner.evaluation.reconstruction import reconstruction_error
from runner.evaluation.representation import densities_of
from runner.evaluation.traversal_rows import traversal_rows
from runner.model import build
from tests.conftest import represent


def test_a_score_that_needs_densities_refuses_a_deterministic_code(
    composed: Callable[..., RunConfig],
):
    config = composed("architecture=mlp", "prior=code", "objective=ae")
    with pytest.raises(UsageError, match=r"^score needs densities") as error:
        densities_of(represent(build(config, shape=(1, 8, 8), classes=4)), "score")
    assert "\n" not in error.value.message


class Principal:
    """Principal components of the images: a model of another kind than a VAE."""

    device = torch.device("cpu")
    latents = None

    def __init__(self, images_NCHW: Tensor, count: int) -> None:
        pixels_NP = images_NCHW.flatten(1) / 255
        self.shape = images_NCHW.shape[1:]
        self.mean_P = pixels_NP.mean(0)
        self.axes_VP = torch.linalg.svd(pixels_NP - self.mean_P, full_matrices=False)[2][:count]
        self.columns = {f"pc_{v}": slice(v, v + 1) for v in range(count)}
        self.category_values: dict[str, Tensor] = {}
        self.values: dict[str, Tensor] = {}
        self.classifier = None

    def encode(self, images_BCHW: Tensor) -> Tensor:
        return (images_BCHW.flatten(1) / 255 - self.mean_P) @ self.axes_VP.T

    def bulk_encoder(self) -> Callable[[Tensor], Tensor]:
        return self.encode

    def mean(self, parameters_BP: Tensor) -> Tensor:
        return parameters_BP

    def sample(self, parameters_BP: Tensor, _: torch.Generator) -> Tensor:
        return parameters_BP

    def sample_prior(self, *_: object) -> None:
        return None

    def code_given(self, parameters_BP: Tensor, _: object = None) -> Tensor:
        return parameters_BP

    def discretise(self, z_BW: Tensor) -> Tensor:
        return z_BW

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        return z_BW

    def decode(self, z_BW: Tensor) -> Tensor:
        return (z_BW @ self.axes_VP + self.mean_P).unflatten(1, self.shape)

    def log_px_z(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        return -0.5 * (self.decode(z_BW) - images_BCHW / 255).square().flatten(1).sum(1)

    def reconstruction_errors(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        error_B = (self.decode(z_BW) - images_BCHW / 255).square().flatten(1).mean(1)
        return torch.stack([error_B, -self.log_px_z(images_BCHW, z_BW)])


def test_a_model_of_another_kind_is_evaluated_without_densities(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    images = toy_dataset.test.images(torch.arange(256))
    errors = []
    for count in (2, 6):
        model = Principal(images, count)
        found, _ = reconstruction_error(
            model, toy_dataset.test, samples=256, source=torch.Generator().manual_seed(0)
        )
        errors.append(found["reconstruction/squared_error"])
    assert errors[1] < errors[0]
    model, source = Principal(images, 4), torch.Generator().manual_seed(0)
    every = encode(model, toy_dataset.test, 256, source)
    summary = summarize(model, toy_dataset, every, source)
    assert summary["elbo"] is None
    assert summary["terms"]["reconstruction"] == pytest.approx(-float(every.log_px_z_M.mean()))
    config = composed("metrics=fast")
    rows = traversal_rows(model, every, config.evaluation, {})
    assert {row.label for row in rows} == set(model.columns)
    evaluator = Evaluator(model, toy_dataset, config.metrics)
    (request,) = (each for each in score_requests(config.metrics) if each.key == "mean/mig")
    assert all(0 <= number <= 1 for number in evaluator.compute(request).numbers.values())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(
    "prior", ["normal", "mixture", "vamp", "correlated", "sparse", "concrete_normal"]
)
def test_a_gpu_gives_every_score(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, prior: str
):
    """Samples differ between devices; scores that use none are the same."""
    overrides = [f"prior={prior}", "prior.dimensions=2", "architecture=mlp"]
    overrides += ["prior.pseudo_inputs=3"] if prior == "vamp" else []
    images = toy_dataset.probe_images(torch.device("cpu"))
    model = build(composed(*overrides), shape=(1, 8, 8), classes=4, images=lambda: images)
    cpu_split = toy_dataset.test
    cpu_source = torch.Generator().manual_seed(0)
    expected, _ = reconstruction_error(represent(model), cpu_split, samples=256, source=cpu_source)

    model, rows = model.cuda(), torch.arange(256)
    latents = densities_of(represent(model), "score")
    split = ResidentSplit(cpu_split.images(rows).cuda(), cpu_split.factors(rows).cuda())
    source = torch.Generator("cuda").manual_seed(0)
    every = encode(represent(model), split, 256, source)
    known = {"samples": 100, "source": source}
    factors = toy_dataset.factors
    found, _ = reconstruction_error(represent(model), split, samples=256, source=source)
    assert found == pytest.approx(expected, rel=1e-3)
    pruned = pruning(represent(model), every, split, **known)
    for scores, errors in (
        log_likelihood(represent(model), split, images=5, samples=50, source=source),
        mig_density(latents, every, factors, **known),
        information(latents, every, factors, **known),
        (pruned.scores(), pruned.standard_errors()),
    ):
        assert all(math.isfinite(number) for number in (*scores.values(), *errors.values()))
