"""The importance-weighted bound, against log p(x) by quadrature under every prior."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.errors import UsageError
from runner.evaluation import marginal_likelihood
from runner.evaluation.marginal_likelihood import log_likelihood
from runner.model import VAE, build
from tests.conftest import represent

TINY = ("architecture=mlp", "architecture.widths=[8]", "prior.dimensions=2")
NORMAL = ["normal", "anisotropic", "laplace", "student_t", "mixture", "sparse", "correlated"]
PRIORS = {
    **{name: (f"prior={name}",) for name in [*NORMAL, "log_normal"]},
    "vamp": ("prior=vamp", "prior.pseudo_inputs=3"),
    "concrete": ("prior=concrete_normal", "prior.categories=3"),
    "argmax": ("prior=concrete_normal", "prior.categories=2", "objective.concrete_density=argmax"),
    "relaxed": (
        "prior=concrete_normal",
        "prior.categories=2",
        "objective.concrete_density=relaxed",
    ),
    "coins": ("prior=normal", "++prior.discrete={rare: 0.1, kind: 3}"),
}
REACH, STEP = 7.0, 0.08


@pytest.fixture
def modelled(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> Callable[..., VAE]:
    """Build a small model of two normals whose posteriors are far from its prior."""

    def build_model(*overrides: str) -> VAE:
        images = toy_dataset.probe_images(torch.device("cpu"))
        model = build(
            composed(*TINY, *overrides), shape=(1, 8, 8), classes=4, images=lambda: images
        )
        with torch.no_grad():
            for network, factor in ((model.encoder, 1.5), (model.decoder, 2.0)):
                weights = [p for p in network.parameters() if p.ndim == 2]
                weights[-1].mul_(factor)
        return model

    return build_model


def binary(dataset: Dataset, count: int) -> ResidentSplit:
    images = (dataset.test.images(torch.arange(count)) > 128).to(torch.uint8) * 255
    return ResidentSplit(images, torch.zeros(count, 1).long())


def atoms(model: VAE) -> Tensor:
    """Return every combination of the values of the discrete variables, (A, W)."""
    codes = torch.zeros(1, 0)
    for kind in model.latents.discrete.variables:
        values = kind.as_value(torch.arange(kind.categories), torch.zeros(1))
        pairs = [torch.cat([code, value]) for code in codes for value in values]
        codes = torch.stack(pairs)
    return codes


@torch.no_grad()
def integrated(model: VAE, images_NCHW: Tensor) -> Tensor:
    """Return log p(x), the sum over a fine grid of two normals and over all atoms, (N,)."""
    axis = torch.arange(-REACH, REACH, STEP)
    grid_G2 = torch.cartesian_prod(axis, axis)
    latents, codes_AW = model.bind_latents().with_categorical(), atoms(model)
    variables = range(len(latents.variable_names))
    found: list[Tensor] = []
    for a, code_W in enumerate(codes_AW):
        z_GW = torch.cat([code_W.expand(len(grid_G2), -1), grid_G2], dim=1)
        log_pz_AG = latents.log_pz(z_GW, variables)
        log_pz_G = log_pz_AG[a] if len(log_pz_AG) > 1 else log_pz_AG[0]
        output = model.decode(z_GW)
        per_image = [
            model.likelihood.log_prob(output, (image / 255).expand_as(output)) + log_pz_G
            for image in images_NCHW
        ]
        found.append(torch.stack(per_image).double())
    return torch.cat(found, dim=1).logsumexp(1) + 2 * math.log(STEP)


def estimate(model: VAE, split: ResidentSplit, samples: int, *, seed: int = 0) -> dict[str, float]:
    source = torch.Generator().manual_seed(seed)
    found, _ = log_likelihood(
        represent(model), split, images=split.size, samples=samples, source=source
    )
    return found


@pytest.mark.parametrize("name", PRIORS)
def test_the_bound_closes_on_the_integral(modelled, toy_dataset: Dataset, name: str):
    model, split = modelled(*PRIORS[name]), binary(toy_dataset, 4)
    expected = float(integrated(model, split.images_NCHW).mean())
    found = estimate(model, split, 40_000)
    assert found["log_likelihood"] == pytest.approx(expected, abs=0.05)
    assert found["log_likelihood/elbo"] < expected - 0.1


@pytest.mark.parametrize("name", ["normal", "concrete"])
def test_more_samples_give_a_closer_bound(modelled, toy_dataset: Dataset, name: str):
    model, split = modelled(*PRIORS[name]), binary(toy_dataset, 4)
    expected = float(integrated(model, split.images_NCHW).mean())
    bounds = {
        samples: fmean(
            estimate(model, split, samples, seed=seed)["log_likelihood"] for seed in range(100)
        )
        for samples in (1, 5, 50)
    }
    elbo = estimate(model, split, 5000)["log_likelihood/elbo"]
    assert bounds[1] == pytest.approx(elbo, abs=0.25)
    assert bounds[1] + 0.1 < bounds[5] < bounds[50] < expected + 0.02


def test_one_sample_is_the_elbo(modelled, toy_dataset: Dataset):
    found = estimate(modelled("prior=normal"), binary(toy_dataset, 8), 1)
    assert found["log_likelihood"] == pytest.approx(found["log_likelihood/elbo"])


def test_the_standard_error_is_that_of_the_images(modelled, toy_dataset: Dataset):
    model, split = modelled("prior=normal"), binary(toy_dataset, 16)
    log_px_N = integrated(model, split.images_NCHW)
    settings = {"samples": 500, "source": torch.Generator().manual_seed(0)}
    _, errors = log_likelihood(represent(model), split, images=16, **settings)
    expected = float(log_px_N.std()) / 4
    assert errors["log_likelihood"] == pytest.approx(expected, rel=0.02)
    alone = [ResidentSplit(image[None], torch.zeros(1, 1).long()) for image in split.images_NCHW]
    elbo_N = torch.tensor([estimate(model, one, 500)["log_likelihood/elbo"] for one in alone])
    assert errors["log_likelihood/elbo"] == pytest.approx(float(elbo_N.std()) / 4, rel=0.1)
    _, of_one = log_likelihood(represent(model), split, images=1, **settings)
    assert all(math.isnan(error) for error in of_one.values())


@pytest.mark.parametrize("samples", [7, 40, 130])
def test_chunks_have_each_sample_once(
    modelled, toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, samples: int
):
    """A lost or repeated sample would change log 1/K by more than the noise."""
    model, split = modelled("prior=normal"), binary(toy_dataset, 6)
    decoded: list[int] = []
    log_weights = marginal_likelihood._log_weights

    def constant(*given, **_) -> Tensor:
        weights = torch.full_like(log_weights(*given), -3.0)
        decoded.append(weights.numel())
        return weights

    monkeypatch.setattr(marginal_likelihood, "_CODES", 32)
    monkeypatch.setattr(marginal_likelihood, "_log_weights", constant)
    found = estimate(model, split, samples)
    assert found["log_likelihood"] == pytest.approx(-3, abs=1e-5)
    assert found["log_likelihood/elbo"] == pytest.approx(-3, abs=1e-5)
    assert sum(decoded) == 6 * samples
    assert max(decoded) <= 32


def test_the_same_generator_gives_the_same_bound(modelled, toy_dataset: Dataset):
    model, split = modelled("prior=concrete_normal"), binary(toy_dataset, 5)
    assert estimate(model, split, 20) == estimate(model, split, 20)
    assert estimate(model, split, 20) != estimate(model, split, 20, seed=1)


def test_a_code_without_a_density_has_no_likelihood(modelled, toy_dataset: Dataset):
    with pytest.raises(UsageError, match="log_likelihood needs densities"):
        estimate(modelled("prior=code", "objective=ae"), binary(toy_dataset, 2), 5)
