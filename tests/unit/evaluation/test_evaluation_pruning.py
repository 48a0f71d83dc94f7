"""Pruned latent spaces: the value in place of a variable, and the error without it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import IMAGES, Dataset
from runner.errors import UsageError
from runner.evaluation import encode, pruning, row_chunks
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import decompose_all
from runner.evaluation.kept_variables import ratios_together
from runner.evaluation.pruning import Pruning
from runner.evaluation.reconstruction import reconstruction_error
from runner.model import VAE, build
from tests.conftest import prior_of, represent

TINY = ("architecture=mlp", "architecture.widths=[8]", "prior.group_size=null")
PRIORS = {
    "normal": ("prior=normal", "prior.dimensions=3"),
    "student_t": ("prior=student_t", "prior.dimensions=3"),
    "correlated": ("prior=correlated", "prior.dimensions=3"),
    "mixture": ("prior=mixture", "prior.dimensions=3"),
    "vamp": ("prior=vamp", "prior.dimensions=3", "prior.pseudo_inputs=4"),
    "concrete": ("prior=concrete_normal", "prior.dimensions=2"),
    "argmax": ("prior=concrete_normal", "objective.concrete_density=argmax"),
    "coins": ("prior=normal", "prior.dimensions=1", "++prior.discrete={rare: 0.1, kind: 3}"),
}


@pytest.fixture
def modelled(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> Callable[..., VAE]:
    """Return a function that builds a small model with sharp posteriors."""

    def build_model(*overrides: str) -> VAE:
        images = toy_dataset.probe_images(torch.device("cpu"))
        config = composed(*TINY, *overrides)
        model = build(config, shape=(1, 8, 8), classes=4, images=lambda: images)
        with torch.no_grad():
            model.encoder[-1].weight.mul_(8)
        return model

    return build_model


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pruned(model: VAE, dataset: Dataset, samples: int = 256) -> Pruning:
    every = encode(represent(model), dataset.test, 256, source())
    return pruning.pruning(represent(model), every, dataset.test, samples=samples, source=source())


@pytest.mark.parametrize("name", PRIORS)
def test_the_ends_are_all_variables_and_none(modelled, toy_dataset: Dataset, name: str):
    model = modelled(*PRIORS[name])
    found = pruned(model, toy_dataset)
    count = len(model.latents.variable_names)
    assert sorted(found.names) == sorted(model.latents.variable_names)
    assert found.nats_K.shape == found.squared_error_K.shape == (count + 1,)
    full, _ = reconstruction_error(represent(model), toy_dataset.test, samples=256, source=source())
    assert found.nats_K[-1] == pytest.approx(full["reconstruction/nats"], rel=1e-5)
    error = full["reconstruction/squared_error"]
    assert found.squared_error_K[-1] == pytest.approx(error, rel=1e-5)

    latents = model.bind_latents().with_categorical()
    every = encode(represent(model), toy_dataset.test, 256, source())
    with torch.no_grad():
        images_NCHW = IMAGES.to_input(toy_dataset.test.images(every.indices_M))
        code_NW = latents.prior_center(every.z_MW).repeat(256, 1)
        nothing = -float(model.log_px_z(images_NCHW, code_NW).mean())
    assert found.nats_K[0] == pytest.approx(nothing, rel=1e-5)
    information = decompose_all(latents, every)
    assert found.information_K[0] == 0
    mutual = information.terms["index_code_mi"]
    assert found.information_K[-1] == pytest.approx(mutual, abs=1e-4)
    best = max(information.variable.values())
    assert found.information_K[1] == pytest.approx(best, abs=1e-4)
    assert information.variable[found.names[0]] == pytest.approx(best, abs=1e-4)


@torch.no_grad()
def test_a_pruned_variable_is_at_the_centre_of_the_prior(modelled, toy_dataset: Dataset):
    model = modelled(*PRIORS["concrete"])
    found = pruned(model, toy_dataset)
    images_NCHW = IMAGES.to_input(toy_dataset.test.images(torch.arange(256)))
    code_NW = model.latents.discretise(model.latents.posterior_mean(model.encode(images_NCHW)))
    for k in (1, 2):
        z_NW = code_NW.clone()
        for name in found.names[k:]:
            columns = model.latents.columns[name]
            first = torch.eye(4)[0] if name == "category" else torch.zeros(1)
            z_NW[:, columns] = first
        nats = -float(model.log_px_z(images_NCHW, z_NW).mean())
        assert found.nats_K[k] == pytest.approx(nats, rel=1e-5)


def normal_encodings(loc_MV: Tensor, scale: float) -> Encodings:
    latents = prior_of(normals=loc_MV.shape[1])
    parameters_MP = torch.cat([loc_MV, torch.full_like(loc_MV, math.log(scale))], dim=1)
    noise_MV = latents.noise(len(loc_MV), source(1))
    return Encodings(
        indices_M=torch.arange(len(loc_MV)),
        parameters_MP=parameters_MP,
        z_MW=latents.sample(parameters_MP, noise_MV),
        mean_MW=loc_MV,
        log_px_z_M=torch.zeros(len(loc_MV)),
        factors_MF=torch.zeros(len(loc_MV), 1).long(),
        dataset_size=len(loc_MV),
    )


def together(every: Encodings, order: tuple[int, ...]) -> list[float]:
    ratios = partial(ratios_together, order=order)
    return pruning._information(prior_of(normals=3), every, 1500, ratios)


def test_information_shared_by_two_variables_is_counted_once():
    """A Gaussian channel, used twice for one number, and once for another number."""
    means_M2 = torch.randn(3000, 2, generator=source(2))
    every = normal_encodings(means_M2[:, [0, 0, 1]], 0.5)
    once, twice = together(every, (0, 1))
    _, apart = together(every, (0, 2))
    single = 0.5 * math.log(1 + 1 / 0.25)
    assert once == pytest.approx(single, abs=0.05)
    assert twice == pytest.approx(0.5 * math.log(1 + 2 / 0.25), abs=0.06)
    assert apart == pytest.approx(2 * single, abs=0.08)
    assert twice < 2 * once - 0.4


def made(squared_error: list[float]) -> Pruning:
    names = tuple(f"z_{v}" for v in range(len(squared_error) - 1))
    errors_K = np.array(squared_error)
    return Pruning(names, np.linspace(0, 1, len(errors_K)), 1000 * errors_K, errors_K[:, None])


@pytest.mark.parametrize(
    ("squared_error", "variables", "half"),
    [
        ([1.0, 0.5, 0.04, 0.0], 2, 0.96),
        ([1.0, 0.05, 0.0, 0.0, 0.0], 1, 1.0),
        ([1.0, 0.75, 0.5, 0.25, 0.0], 4, 0.5),
        ([1.0, 0.0], 1, 1.0),
        ([0.3, 0.3, 0.3], 0, 1.0),
        ([0.3, 0.2, 0.4], 0, 1.0),
    ],
)
def test_scores_of_small_tables(squared_error: list[float], variables: int, half: float):
    scores = made(squared_error).scores()
    assert scores == pytest.approx(
        {"pruning/variables_for_90_percent": variables, "pruning/half": half}
    )


def test_the_error_of_the_share_is_its_spread_over_other_images():
    """Images whose gain of half the variables follows that of all."""
    generator = np.random.default_rng(0)

    def drawn(count: int) -> Pruning:
        whole_S = generator.gamma(4.0, 0.25, count)
        half_S = whole_S * generator.uniform(0.4, 0.8, count)
        errors_KS = np.stack([whole_S, whole_S - half_S, np.zeros(count)])
        return Pruning(("z_0", "z_1"), np.zeros(3), np.zeros(3), errors_KS)

    repeated = [drawn(50).scores()["pruning/half"] for _ in range(2000)]
    said = [drawn(50).standard_errors()["pruning/half"] for _ in range(200)]
    assert np.mean(said) == pytest.approx(np.std(repeated), rel=0.06)


def test_without_a_gain_or_with_one_image_no_error_is_known():
    assert math.isnan(made([0.3, 0.3, 0.3]).standard_errors()["pruning/half"])
    assert math.isnan(made([1.0, 0.5, 0.0]).standard_errors()["pruning/half"])
    flat_KS = np.array([[0.3, 0.2], [0.3, 0.2], [0.3, 0.2]])
    flat = Pruning(("z_0", "z_1"), np.zeros(3), np.zeros(3), flat_KS)
    assert math.isnan(flat.standard_errors()["pruning/half"])


def test_chunks_do_not_matter(modelled, toy_dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    model = modelled(*PRIORS["concrete"])
    whole = pruned(model, toy_dataset, 100)
    monkeypatch.setattr(row_chunks, "_ROWS", 7)
    monkeypatch.setattr(pruning, "_CHUNK", 30)
    chunks = pruned(model, toy_dataset, 100)
    assert chunks.names == whole.names
    np.testing.assert_allclose(chunks.information_K, whole.information_K, atol=1e-4)
    np.testing.assert_allclose(chunks.nats_K, whole.nats_K, rtol=1e-5)
    np.testing.assert_allclose(chunks.squared_error_K, whole.squared_error_K, rtol=1e-5)


def test_a_code_without_a_density_is_not_pruned(modelled, toy_dataset: Dataset):
    with pytest.raises(UsageError, match="pruning needs densities"):
        pruned(modelled("prior=code", "objective=ae"), toy_dataset)
