"""Which estimates are told to be wrong, in which words."""

from __future__ import annotations

import math

import pytest

from runner.evaluation.estimate_warnings import Estimate, training_warnings
from runner.objective import TERM_NAMES

TRUE = dict(zip(TERM_NAMES, (150.0, 6.0, 0.3, 0.2, 8.0), strict=True))
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
    (sentence,) = warned(estimate(dimension_wise_kl=6.5))
    assert sentence.startswith("the training estimate of dimension-wise KL, 6.50 nats from 4,096")
    assert "is far off; the evaluation says 8.00: objective.encodings=8192" in sentence
    assert "objective.encoding_weights=equal" in sentence
    assert "equal" not in warned(estimate(dimension_wise_kl=6.5), equal_weights=True)[0]


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
