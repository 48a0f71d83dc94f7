"""The summary of a run against closed forms: the ELBO, the rates, information by quadrature."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.evaluation import Encodings, encode, summarize
from runner.evaluation.information import decompose_all
from runner.model import VAE, build
from runner.objective import TERM_NAMES
from tests.conftest import represent
from tests.trained_model import train_small_model

TINY = ("architecture=mlp", "architecture.widths=[8]")
NORMAL, CONCRETE = ("prior=normal", "prior.dimensions=4"), ("prior=concrete_normal",)
PRIORS = {
    "one group": (*NORMAL, "prior.group_size=null"),
    "pairs": (*NORMAL, "prior.group_size=2"),
    "single": (*NORMAL, "prior.group_size=1"),
    "concrete": (*CONCRETE, "prior.dimensions=3"),
    "argmax": (*CONCRETE, "prior.dimensions=3", "objective.concrete_density=argmax"),
}


@pytest.fixture
def summarized(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    """Return a function to the model, encodings and summary of a prior, without training."""

    def summarize_model(prior: str, count: int = 256) -> tuple[VAE, Encodings, dict[str, Any]]:
        config = composed(*TINY, *PRIORS[prior])
        model = build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)
        with torch.no_grad():
            model.encoder[-1].weight.mul_(8)  # sharper posteriors
        every = encode(represent(model), toy_dataset.test, count, torch.Generator().manual_seed(0))
        return (
            model,
            every,
            summarize(represent(model), toy_dataset, every, torch.Generator().manual_seed(0)),
        )

    return summarize_model


def sampled_rate(model: VAE, every: Encodings) -> Tensor:
    """Return log q(z|x) - log p(z) of each sample, (M,); for a category the mean over q(k|x)."""
    categories = model.latents.width - sum(n != "category" for n in model.latents.variable_names)
    logits, numbers = every.parameters_MP[:, :categories], every.parameters_MP[:, categories:]
    loc, log_scale = numbers.chunk(2, dim=1)
    z = every.z_MW[:, categories:]
    q, p = torch.distributions.Normal(loc, log_scale.exp()), torch.distributions.Normal(0.0, 1.0)
    rate_M = (q.log_prob(z) - p.log_prob(z)).sum(1)
    if categories:
        rate_M = rate_M + math.log(categories) + (logits.softmax(1) * logits.log_softmax(1)).sum(1)
    return rate_M


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("count", [60, 256])
def test_the_terms_sum_to_the_negative_elbo_of_the_samples(summarized, prior: str, count: int):
    """The estimates of q(z) cancel, which leaves log p(x|z) - log q(z|x)/p(z) of the samples."""
    model, every, summary = summarized(prior, count)
    elbo = float((every.log_px_z_M - sampled_rate(model, every)).mean())
    assert tuple(summary["terms"]) == TERM_NAMES
    assert sum(summary["terms"].values()) == pytest.approx(-summary["elbo"], rel=1e-6)
    assert summary["elbo"] == pytest.approx(elbo, rel=1e-5)
    reconstruction = -float(every.log_px_z_M.mean())
    assert summary["terms"]["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)


@pytest.mark.parametrize("prior", PRIORS)
def test_the_rates_of_normals_are_closed_forms(summarized, prior: str):
    model, every, summary = summarized(prior)
    rates = summary["information"]["rate"]
    names = [name for name in model.latents.variable_names if name != "category"]
    loc, log_scale = every.parameters_MP[:, -2 * len(names) :].chunk(2, dim=1)
    q, p = torch.distributions.Normal(loc, log_scale.exp()), torch.distributions.Normal(0.0, 1.0)
    kl_V = torch.distributions.kl_divergence(q, p).mean(0)
    assert [rates[name] for name in names] == pytest.approx(kl_V.tolist(), rel=1e-4)
    assert summary["rate"] == pytest.approx(sum(rates.values()))


def test_information_of_a_variable_is_the_integral_over_its_mixture(
    summarized, toy_dataset: Dataset
):
    """I(x; z) = h(q(z)) - mean h(q(z|x)), with the entropy of the mixture by quadrature."""
    model, every, _ = summarized("single")
    draws = [
        encode(represent(model), toy_dataset.test, 256, torch.Generator().manual_seed(seed))
        for seed in range(20)
    ]
    got = [list(decompose_all(model.latents, each).variable.values()) for each in draws]
    loc_MV, log_scale_MV = every.parameters_MP.double().chunk(2, dim=1)
    q = torch.distributions.Normal(loc_MV, log_scale_MV.exp())
    grid_T = torch.linspace(-30, 30, 6001, dtype=torch.float64)
    q_TV = q.log_prob(grid_T[:, None, None]).exp().mean(1)
    entropy_V = torch.trapezoid(torch.special.entr(q_TV), grid_T, dim=0)
    expected_V = entropy_V - q.entropy().mean(0)
    assert float(expected_V.max()) > 0.5
    assert torch.tensor(got).mean(0).tolist() == pytest.approx(expected_V.tolist(), abs=0.03)


def test_the_summary_has_the_keys_of_its_file(summarized):
    _, _, summary = summarized("concrete", 100)
    information = summary["information"]
    variables = ["category", "style_0", "style_1", "style_2"]
    assert list(information["variable"]) == list(information["rate"]) == variables
    assert list(information["group"]) == list(information["factor"]) == ["category", "style"]
    assert all(list(row) == ["label"] for row in information["factor"].values())
    assert summary["images"] == summary["encodings"] == 100
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


@pytest.mark.parametrize("split", ["test", "all"])
def test_the_summary_names_the_split(summarized, toy_dataset: Dataset, split: str):
    model, every, _ = summarized("single", 20)
    dataset = replace(toy_dataset, has_test_split=split == "test")
    summary = summarize(represent(model), dataset, every, torch.Generator().manual_seed(0))
    assert summary["split"] == split
    assert list(summary["scores"]) == ["hoyer_sparsity"]  # normals alone have no clusters


@pytest.mark.parametrize(
    ("perfect", "purity", "information"), [(1, 1.0, math.log(4)), (0, 0.25, 0.0)]
)
def test_purity_and_information_of_a_category(
    summarized, toy_dataset: Dataset, perfect: int, purity: float, information: float
):
    model, every, _ = summarized("concrete")
    # The classes in another order, or a single cluster.
    clusters_M = perfect * (3 - every.factors_MF[:, 0])
    found = every.parameters_MP.clone()
    found[:, :4] = 20.0 * torch.nn.functional.one_hot(clusters_M, 4)
    every = replace(every, parameters_MP=found, mean_MW=model.latents.posterior_mean(found))
    summary = summarize(represent(model), toy_dataset, every, torch.Generator().manual_seed(0))
    assert list(summary["scores"]) == ["purity", "hoyer_sparsity"]
    assert summary["scores"]["purity"] == purity
    label = summary["information"]["factor"]["category"]["label"]
    assert label == pytest.approx(information, abs=0.02)


def test_the_density_of_concrete_variables_in_training_does_not_change_the_summary(summarized):
    assert summarized("concrete")[2] == summarized("argmax")[2]


@pytest.fixture(scope="module")
def trained_summary(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> dict[str, Any]:
    model, _ = train_small_model(composed, toy_dataset)
    every = encode(represent(model), toy_dataset.test, 256, torch.Generator().manual_seed(0))
    return summarize(represent(model), toy_dataset, every, torch.Generator().manual_seed(0))


def test_the_terms_of_a_trained_model_sum_to_its_negative_elbo(trained_summary: dict[str, Any]):
    summary = trained_summary
    assert list(summary["terms"]) == list(TERM_NAMES)
    assert sum(summary["terms"].values()) == pytest.approx(-summary["elbo"])
    assert sum(summary["information"]["rate"].values()) == pytest.approx(summary["rate"])
    # The four terms beside the reconstruction estimate the rate from one sample per image.
    rate = -summary["elbo"] - summary["terms"]["reconstruction"]
    assert rate == pytest.approx(summary["rate"], abs=0.5)


def test_a_category_with_rewarded_information_finds_the_four_classes(
    trained_summary: dict[str, Any],
):
    summary = trained_summary
    assert summary["information"]["variable"]["category"] > 1.0
    assert summary["scores"]["purity"] > 0.7
    assert summary["information"]["factor"]["category"]["label"] > 0.8
    assert summary["split"] == "all"


@pytest.mark.parametrize("prior", ["pairs", "concrete"])
def test_images_of_which_nothing_is_known_have_a_summary(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, prior: str
):
    """The same numbers as with factors, without those that need one."""
    config = composed(*TINY, *PRIORS[prior])
    model = represent(build(config, shape=toy_dataset.shape, classes=toy_dataset.classes))
    split = toy_dataset.test
    bare = ResidentSplit(split.images(torch.arange(256)), torch.zeros(256, 0, dtype=torch.int64))
    unknown = replace(
        toy_dataset, test=bare, factors=(), class_factor=None, class_names=(), train=bare
    )
    found = {}
    for dataset in (toy_dataset, unknown):
        source = torch.Generator().manual_seed(0)
        encodings = encode(model, dataset.test, 256, source)
        found[dataset is unknown] = summarize(model, dataset, encodings, source)
    known, without = found[False], found[True]
    assert set(without["information"]["factor"]) == set(known["information"]["factor"])
    assert not any(without["information"]["factor"].values())
    assert without["scores"] == {"hoyer_sparsity": known["scores"]["hoyer_sparsity"]}
    assert without["terms"] == known["terms"]
