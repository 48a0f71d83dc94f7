"""The prior as scores see it, and the scores that need one, wherever the model is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.errors import UsageError
from runner.evaluation import encode
from runner.evaluation.categorical_latents import categorical_latents
from runner.evaluation.information import information
from runner.evaluation.marginal_likelihood import log_likelihood
from runner.evaluation.mig_density import mig_density
from runner.evaluation.pruning import pruning
from runner.evaluation.reconstruction import reconstruction_error
from runner.model import LatentSpace, build
from runner.model.discrete import Bernoulli, Concrete
from runner.model.discrete_block import DiscreteBlock
from runner.model.node import Node
from runner.model.variables import Codes
from tests.conftest import prior_of


@pytest.mark.parametrize("trained_by", ["exact", "relaxed", "argmax"])
def test_discrete_variables_are_categorical_however_they_were_trained(trained_by: str):
    few = categorical_latents(prior_of({"kind": Concrete(3)}, 1, density=trained_by), "score")
    assert few.discrete.density == "exact"
    coins = {f"coin_{i}": Bernoulli(0.5) for i in range(7)}  # 128 combinations
    many = categorical_latents(prior_of(coins, 1, density=trained_by), "score")
    assert many.discrete.density == "argmax"


def test_a_code_has_no_prior_to_be_judged_under():
    tree = Node("all", (0,))
    code = LatentSpace(DiscreteBlock({}, "exact", 1.0), Codes(1, "linear"), None, tree, ["z_0"])
    with pytest.raises(UsageError, match=r"^score needs densities") as error:
        categorical_latents(code, "score")
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
    expected = reconstruction_error(model, cpu_split, samples=256, source=cpu_source)

    model, rows = model.cuda(), torch.arange(256)
    split = ResidentSplit(cpu_split.images(rows).cuda(), cpu_split.factors(rows).cuda())
    source = torch.Generator("cuda").manual_seed(0)
    every, opened = encode(model, split, 256, source), model.bind_latents()
    known = {"samples": 100, "source": source}
    factors = toy_dataset.factors
    found = reconstruction_error(model, split, samples=256, source=source)
    assert found == pytest.approx(expected, rel=1e-3)
    scores = log_likelihood(model, split, images=5, samples=50, source=source)
    scores |= mig_density(opened, every, factors, **known)
    scores |= information(opened, every, factors, **known)
    scores |= pruning(model, every, split, **known).scores()
    assert all(torch.tensor(score).isfinite() for score in scores.values())
