"""The densities that scores need, and the scores that need them, wherever the model is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.errors import UsageError
from runner.evaluation import encode
from runner.evaluation.information import information
from runner.evaluation.marginal_likelihood import log_likelihood
from runner.evaluation.mig_density import mig_density
from runner.evaluation.pruning import pruning
from runner.evaluation.reconstruction import reconstruction_error
from runner.evaluation.representation import densities_of
from runner.model import build
from tests.conftest import represent


def test_a_score_that_needs_densities_refuses_a_deterministic_code(
    composed: Callable[..., RunConfig],
):
    config = composed("architecture=mlp", "prior=code", "objective=ae")
    with pytest.raises(UsageError, match=r"^score needs densities") as error:
        densities_of(represent(build(config, shape=(1, 8, 8), classes=4)), "score")
    assert "\n" not in error.value.message


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(
    "prior", ["normal", "mixture", "vamp", "correlated", "sparse", "concrete_normal"]
)
def test_a_gpu_gives_every_score(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, prior: str
):
    """Draws differ between devices; what depends on none is the same."""
    overrides = [f"prior={prior}", "prior.dimensions=2", "architecture=mlp"]
    overrides += ["prior.pseudo_inputs=3"] if prior == "vamp" else []
    images = toy_dataset.probe_images(torch.device("cpu"))
    model = build(composed(*overrides), shape=(1, 8, 8), classes=4, images=lambda: images)
    cpu_split = toy_dataset.test
    cpu_source = torch.Generator().manual_seed(0)
    expected = reconstruction_error(represent(model), cpu_split, samples=256, source=cpu_source)

    model, rows = model.cuda(), torch.arange(256)
    latents = densities_of(represent(model), "score")
    split = ResidentSplit(cpu_split.images(rows).cuda(), cpu_split.factors(rows).cuda())
    source = torch.Generator("cuda").manual_seed(0)
    every = encode(represent(model), split, 256, source)
    known = {"samples": 100, "source": source}
    factors = toy_dataset.factors
    found = reconstruction_error(represent(model), split, samples=256, source=source)
    assert found == pytest.approx(expected, rel=1e-3)
    scores = log_likelihood(represent(model), split, images=5, samples=50, source=source)
    scores |= mig_density(latents, every, factors, **known)
    scores |= information(latents, every, factors, **known)
    scores |= pruning(represent(model), every, split, **known).scores()
    assert all(torch.tensor(score).isfinite() for score in scores.values())
