"""Models of codes as the evaluation sees them: discrete variables, images, -log p(x|z)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Generator, Tensor
from torch.distributions import Bernoulli, Laplace, Normal

from runner.config import RunConfig
from runner.method.code_representation import CodeModel, CodeRepresentation, plain_columns
from runner.model import Likelihood
from runner.model.likelihood import build_likelihood

Composed = Callable[..., RunConfig]

SHAPE = (1, 3, 3)


class Mixed(CodeModel):
    """A category of three values beside two numbers; an image shows the code."""

    columns: Mapping[str, slice] = {"kind": slice(0, 3), "z_0": slice(3, 4), "z_1": slice(4, 5)}
    category_values: Mapping[str, Tensor] = {"kind": torch.eye(3)}

    def encode(self, images_BCHW: Tensor) -> Tensor:
        return images_BCHW.flatten(1)[:, :5]

    def decode(self, codes_BW: Tensor) -> Tensor:
        rest_BR = codes_BW.new_full((len(codes_BW), 4), 0.5)
        return torch.cat([codes_BW, rest_BR], 1).unflatten(1, SHAPE)

    def sample_codes(self, samples: int, source: Generator) -> Tensor | None:
        return torch.rand((samples, 5), generator=source)


def represented(likelihood: Likelihood) -> CodeRepresentation:
    def to_input(images_BCHW: Tensor) -> Tensor:
        return images_BCHW.float() / 255

    return CodeRepresentation(Mixed(), likelihood, to_input, torch.device("cpu"))


@pytest.fixture
def stored_BCHW() -> Tensor:
    draws = torch.Generator().manual_seed(0)
    return torch.randint(256, (6, *SHAPE), generator=draws, dtype=torch.uint8)


def test_categories_are_the_nearest_values(composed: Composed, stored_BCHW: Tensor):
    model = represented(build_likelihood(composed().likelihood))
    codes_BW = model.mean(model.encode(stored_BCHW))
    hard_BW = model.discretise(codes_BW)
    best_B = codes_BW[:, :3].argmax(1)
    assert torch.equal(hard_BW[:, :3], torch.eye(3)[best_B])
    assert torch.equal(hard_BW[:, 3:], codes_BW[:, 3:])
    assert torch.equal(model.code_given(codes_BW), hard_BW)
    given_BW = model.code_given(codes_BW, {"kind": 2})
    assert torch.equal(given_BW[:, :3], torch.eye(3)[[2] * 6])
    assert torch.equal(model.continuous_part(codes_BW), codes_BW[:, 3:])
    source = torch.Generator().manual_seed(3)
    assert torch.equal(model.sample(codes_BW, source), hard_BW)
    assert model.latents is None


def log_p(name: str, mean_BD: Tensor, seen_BD: Tensor, config: RunConfig) -> Tensor:
    """Return log p(x|z), (B,), by the distributions of PyTorch."""
    if name == "bernoulli":
        kept_BD = mean_BD.clamp(1 / 256, 1 - 1 / 256)
        return Bernoulli(kept_BD, validate_args=False).log_prob(seen_BD).sum(1)
    of = {"gaussian": Normal, "laplace": Laplace}[name]
    scale = torch.tensor(config.likelihood.scale)  # pyright: ignore[reportAttributeAccessIssue]
    kept_BD = mean_BD if "linear" in repr(config.likelihood) else mean_BD.clamp(1 / 256, 255 / 256)
    return of(kept_BD, scale).log_prob(seen_BD).sum(1)


@pytest.mark.parametrize(
    "words",
    [
        ["likelihood=bernoulli"],
        ["likelihood=gaussian"],
        ["likelihood=laplace", "likelihood.mean=linear"],
    ],
    ids=lambda words: words[0],
)
def test_the_likelihood_is_around_the_image_of_a_code(
    composed: Composed, stored_BCHW: Tensor, words: list[str]
):
    config = composed(*words)
    model = represented(build_likelihood(config.likelihood))
    codes_BW = model.discretise(model.encode(stored_BCHW))
    seen_BD = stored_BCHW.float().flatten(1) / 255
    mean_BD = Mixed().decode(codes_BW).flatten(1)
    expected_B = log_p(config.likelihood.name, mean_BD, seen_BD, config)
    assert torch.allclose(model.log_px_z(stored_BCHW, codes_BW), expected_B, atol=1e-4)
    squared_B, nats_B = model.reconstruction_errors(stored_BCHW, codes_BW)
    assert torch.allclose(squared_B, (mean_BD - seen_BD).square().mean(1), atol=1e-6)
    assert torch.allclose(nats_B, -expected_B, atol=1e-4)


@pytest.mark.parametrize("words", [["bernoulli"], ["gaussian"], ["laplace", "linear"]])
def test_an_output_has_the_mean_that_it_was_made_for(composed: Composed, words: list[str]):
    name, *mean = words
    likelihood = build_likelihood(
        composed(f"likelihood={name}", *(f"likelihood.mean={word}" for word in mean)).likelihood
    )
    mean_BCHW = torch.rand((2, *SHAPE), generator=torch.Generator().manual_seed(0))
    found_BCHW = likelihood.mean(likelihood.output_of(mean_BCHW))
    kept = mean_BCHW if mean else mean_BCHW.clamp(1 / 256, 255 / 256)
    assert torch.allclose(found_BCHW, kept, atol=1e-6)


def test_plain_columns_are_one_each():
    assert plain_columns(2) == {"z_0": slice(0, 1), "z_1": slice(1, 2)}
