"""A VAE as the evaluation sees it: what is stored goes in, and densities are categorical."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.model import VAE, VaeRepresentation, build
from runner.model.discrete import Bernoulli, Concrete
from runner.model.mixture import Mixture
from tests.conftest import prior_of

TINY = ("architecture=mlp", "architecture.widths=[8]", "prior.dimensions=3", "prior.group_size=1")
DISCRETE = "++prior.discrete={kind: 3, coin: 0.9}"


@pytest.fixture
def model_of(composed: Callable[..., RunConfig]) -> Callable[..., VAE]:
    def model(*overrides: str) -> VAE:
        images = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(1))
        config = composed(*TINY, *overrides)
        return build(config, shape=(1, 4, 4), classes=3, images=lambda: images)

    return model


def halved(stored: torch.Tensor) -> torch.Tensor:
    return stored.float() / 2


def stored_images() -> torch.Tensor:
    return torch.randint(0, 2, (6, 1, 4, 4), generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_stored_images_are_transformed_before_the_model_sees_them(model_of: Callable[..., VAE]):
    model, stored = model_of("prior=normal"), stored_images()
    representation = VaeRepresentation(model, halved)
    parameters = representation.encode(stored)
    assert torch.equal(parameters, model.encode(stored / 2))
    torch.testing.assert_close(representation.bulk_encoder()(stored), parameters)
    code = representation.mean(parameters)
    log_px_z = representation.log_px_z(stored, code)
    assert torch.equal(log_px_z, model.log_px_z(stored / 2, code))
    squared_error, nats = representation.reconstruction_errors(stored, code)
    assert torch.equal(nats, -log_px_z)
    expected = (representation.decode(code) - stored / 2).square().mean((1, 2, 3))
    torch.testing.assert_close(squared_error, expected)


@torch.no_grad()
@pytest.mark.parametrize("density", ["exact", "relaxed", "argmax"])
def test_discrete_variables_are_categorical_however_they_were_trained(
    model_of: Callable[..., VAE], density: str
):
    model = model_of("prior=normal", DISCRETE, f"objective.concrete_density={density}")
    representation = VaeRepresentation(model, halved)
    assert representation.latents is not None
    assert representation.latents.discrete.density == "exact"
    parameters = representation.encode(stored_images())
    source = torch.Generator().manual_seed(0)
    z = representation.sample(parameters, source)
    assert set(z[:, :4].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(z, representation.discretise(z))
    values = representation.category_values
    assert {name: value.tolist() for name, value in values.items()} == {
        "kind": torch.eye(3).tolist(),
        "coin": [[0.0], [1.0]],
    }


def test_many_categories_are_sampled_and_not_summed_over():
    coins = {f"coin_{i}": Bernoulli(0.5) for i in range(7)}  # 128 combinations
    for density in ("exact", "relaxed", "argmax"):
        latents = prior_of(coins, 1, density=density).with_categorical()
        assert latents.discrete.density == "argmax"


@torch.no_grad()
def test_a_vamp_prior_is_bound_once(model_of: Callable[..., VAE]):
    representation = VaeRepresentation(model_of("prior=vamp", "prior.pseudo_inputs=4"), halved)
    latents = representation.latents
    assert latents is not None
    assert isinstance(latents.prior, Mixture)
    assert representation.latents is latents
    samples = representation.sample_prior(10, torch.Generator().manual_seed(0))
    assert samples is not None
    assert samples.shape == (10, 3)


def test_a_deterministic_code_has_no_densities(model_of: Callable[..., VAE]):
    representation = VaeRepresentation(model_of("prior=code", "objective=ae"), halved)
    assert representation.latents is None
    assert representation.sample_prior(3, torch.Generator()) is None
    assert list(representation.columns) == ["z_0", "z_1", "z_2"]


def test_the_center_of_each_prior():
    def of(**arguments: object) -> list[float]:
        return prior_of(**arguments).prior_center(torch.zeros(1)).tolist()

    loc_KV = torch.tensor([[0.0, 4.0], [2.0, 0.0]])
    mixture = Mixture(loc_KV, torch.ones(2, 2), torch.tensor([3.0, 1.0]).log())
    assert of(normals=2) == [0, 0]
    assert of(normals=2, p=mixture) == pytest.approx([0.5, 3.0])
    discrete = {"kind": Concrete(3), "rare": Bernoulli(0.1), "usual": Bernoulli(0.9)}
    assert of(discrete=discrete, normals=1) == [1, 0, 0, 0, 1, 0]


def test_densities_of_sampled_categories_are_those_of_the_tables():
    latents = prior_of({"kind": Concrete(3), "rare": Bernoulli(0.1)}, 1)
    parameters = torch.tensor([[2.0, 0.0, 1.0, -1.0, 0.5, 0.2]])
    z = torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.3]])
    log_q, log_p = latents.log_q_and_p(z, parameters)
    normal = torch.distributions.Normal
    expected_q = parameters[0, :3].log_softmax(0)[2] + torch.sigmoid(torch.tensor(-1.0)).log()
    expected_q = expected_q + normal(0.5, torch.tensor(0.2).exp()).log_prob(z[0, 4])
    expected_p = torch.tensor([1 / 3, 0.1]).log().sum() + normal(0.0, 1.0).log_prob(z[0, 4])
    torch.testing.assert_close(log_q[0], expected_q)
    torch.testing.assert_close(log_p[0], expected_p)
    by_category = latents.log_q_categories(parameters)
    assert [tuple(table.shape) for table in by_category] == [(3, 1), (2, 1)]
    torch.testing.assert_close(by_category[0][:, 0], parameters[0, :3].log_softmax(0))
