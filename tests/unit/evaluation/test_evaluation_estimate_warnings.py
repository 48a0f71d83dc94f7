"""Which estimates are told to be wrong, in which words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from runner.dataset import Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.estimate_warnings import Estimate, estimate_warnings, training_warnings
from runner.evaluation.information import decompose_all
from runner.objective import TERM_NAMES
from tests.conftest import prior_of

TRUE = dict(zip(TERM_NAMES, (150.0, 6.0, 0.3, 0.2, 8.0), strict=True))
MORE_IMAGES = "a larger batch_size brings it nearer"
ERRORS = dict.fromkeys(TERM_NAMES, 0.1)


def estimate(**changed: float) -> Estimate:
    return Estimate({**TRUE, **changed}, ERRORS, 4096, 700_000)


def warned(found: Estimate, *, equal_weights: bool = False) -> list[str]:
    return training_warnings(found, TRUE, equal_weights=equal_weights)


def test_what_agrees_within_a_nat_is_no_matter():
    assert warned(estimate(index_code_mi=6.9, dimension_wise_kl=7.1)) == []


def test_the_reconstruction_is_no_estimate_of_q():
    assert warned(estimate(reconstruction=190.0)) == []


def test_a_term_that_is_far_off_is_named_with_both_figures_and_what_to_do():
    (sentence,) = warned(estimate(group_total_correlation=6.5))
    assert sentence.startswith(
        "the training estimate of total correlation between groups, 6.50 nats from 4,096"
    )
    assert "is far off; the evaluation says 0.30: objective.encodings=8192" in sentence
    assert "objective.encoding_weights=equal" in sentence
    assert "equal" not in warned(estimate(group_total_correlation=6.5), equal_weights=True)[0]


@pytest.mark.parametrize("name", ["dimension_wise_kl", "within_group_total_correlation"])
def test_what_single_variables_need_is_a_larger_minibatch_and_no_bank(name: str):
    (sentence,) = warned(estimate(**{name: -0.5}))
    assert sentence.endswith(f"the evaluation says {TRUE[name]:.2f}: {MORE_IMAGES}")


@pytest.mark.parametrize(
    ("value", "error", "is_told"), [(-0.3, 0.1, True), (-0.15, 0.1, False), (-0.04, 0.001, False)]
)
def test_a_negative_total_correlation_is_impossible(value: float, error: float, is_told: bool):  # noqa: FBT001
    terms = {**TRUE, "group_total_correlation": value}
    errors = {**ERRORS, "group_total_correlation": error}
    found = warned(Estimate(terms, errors, 4096, 700_000))
    assert [("is impossible" in each) for each in found] == [True] * is_told


def test_a_correlated_prior_has_a_correlation_of_its_own_that_is_subtracted():
    terms = {**TRUE, "group_total_correlation": -0.5}
    assert warned(Estimate(terms, ERRORS, 4096, 700_000, prior_factorises=False)) == []


@pytest.mark.parametrize("below", [0.05, 0.5])
def test_information_at_the_logarithm_of_the_encodings_is_at_its_cap(below: float):
    terms = {**TRUE, "index_code_mi": math.log(300) - below}
    found = warned(Estimate(terms, ERRORS, 300, 700_000))
    assert [("is at its cap" in each) for each in found] == [True] * (below < 0.1)
    exact = Estimate(terms, ERRORS, 300, 300)  # of 300 images no more can be known
    assert not exact.at_cap


def test_the_bank_that_is_proposed_has_several_times_exp_of_the_information():
    terms = {**TRUE, "index_code_mi": 8.0}
    (sentence,) = training_warnings(estimate(index_code_mi=13.0), terms, equal_weights=False)
    bank = int(sentence.partition("objective.encodings=")[2].split()[0])
    assert 4 * math.exp(8) <= bank <= 8 * math.exp(8)


@pytest.mark.parametrize("split", ["a test split", "all images"])
def test_information_of_a_whole_test_split_is_at_its_cap(toy_dataset: Dataset, split: str):
    """Sharp posteriors of independent means: the images of a test split tell nothing above log M.

    Of a set without one they are all that there is.
    """
    count = 64
    images = toy_dataset.train.images(torch.arange(count))
    test = type(toy_dataset.train)(images, torch.arange(count)[:, None] % 4)
    dataset = replace(toy_dataset, test=test, has_test_split=split == "a test split")
    latents, source = prior_of(normals=10), torch.Generator().manual_seed(0)
    loc_MV = torch.randn(count, 10, generator=source)
    parameters_MP = torch.cat([loc_MV, torch.full((count, 10), -3.0)], dim=1)
    z_MV = latents.sample(parameters_MP, latents.noise(count, source))
    factors_MF = test.factors(torch.arange(count))
    encodings = Encodings(torch.arange(count), parameters_MP, z_MV, loc_MV, torch.zeros(count),
                          factors_MF, count)  # fmt: skip
    found = decompose_all(latents, encodings)
    assert found.terms["index_code_mi"] == pytest.approx(math.log(count), abs=0.01)
    said = estimate_warnings(found, encodings, dataset)
    assert [("is at its cap" in each) for each in said] == [True] * dataset.has_test_split
    assert all("from 64 encodings of the test split" in each for each in said)
    whole = replace(encodings, rest_KP=parameters_MP, dataset_size=2 * count)
    assert estimate_warnings(found, whole, dataset) == []
