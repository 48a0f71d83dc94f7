"""Sentences on estimates that cannot be true, or that training saw otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.dataset import Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import Information
from runner.metric.number_text import number_text
from runner.metric.quantities import quantity

_FAR = 1.0
"""Nats by which the two estimates of a term may differ without a word."""

_AT_THE_CAP = 0.1
"""Nats below the largest value that an estimate of the MI can have from which it is at its cap."""

_ERRORS = 2.0
"""Standard errors below zero from which an estimate of what is never negative is impossible, and
beyond which two estimates differ."""

_NEGLIGIBLE = 0.05
"""Nats below zero that are not worth a word, however small the standard error is."""

_LEAST_BANK = 4096
_MOST_INFORMATION = 10.0
"""Nats; 2**17 encodings in every step would take longer than the rest of it."""

_MI = "index_code_mi"
_KL = "dimension_wise_kl"
_WITHIN = "within_group_total_correlation"
_TOTAL_CORRELATIONS = ("group_total_correlation", _WITHIN)

_OF_SINGLE_VARIABLES = (_WITHIN, _KL)
"""The terms with densities q(z_v) of single variables, which see the minibatch alone: a memory bank
does not change them."""

_MORE_IMAGES = "a larger batch_size brings it nearer"

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Estimate:
    """An estimate of the terms from some encodings, and what is known of it."""

    terms: Numbers
    errors: Numbers
    """Standard errors; NaN where there is none."""
    encodings: int
    """M, those behind q(z)."""
    images: int
    """N, those that q(z) is the mean over; the encodings may be of others (a test split)."""
    prior_factorises: bool = True

    @property
    def at_cap(self) -> bool:
        """Whether the MI is as large as, or larger than, so many encodings can tell of it.

        Own weight 1/N lets the estimate grow to log N where no other encoding is near, equal
        weights to log M; above log M it says that none was. With all N it is what it is.
        """
        return self.encodings < self.images and self.terms[_MI] > self.cap - _AT_THE_CAP

    @property
    def cap(self) -> float:
        """Log of the encodings: the largest MI that they can tell of."""
        return math.log(self.encodings)

    def impossible(self) -> Iterator[str]:
        """Yield the terms that no distribution has; a prior's own correlation may explain them."""
        for name in (_MI, *_TOTAL_CORRELATIONS, _KL):
            is_free = name in _TOTAL_CORRELATIONS and not self.prior_factorises
            if not is_free and self.terms[name] < -max(_NEGLIGIBLE, self.noise(name)):
                yield name

    def noise(self, name: str) -> float:
        """Return two standard errors of a term; zero where there is none."""
        error = self.errors.get(name, math.nan)
        return 0.0 if math.isnan(error) else _ERRORS * error


def estimate_warnings(found: Information, encodings: Encodings, dataset: Dataset) -> list[str]:
    """Return a sentence on each term of the evaluation that its encodings cannot tell.

    q(z) is the mean over the training images. All of a test split are still some of many, unless
    the training images' encodings are behind q(z), too.
    """
    of_test = dataset.has_test_split and encodings.rest_KP is None
    estimate = Estimate(
        found.terms,
        found.standard_errors.terms,
        encodings.count_behind,
        dataset.train.size if of_test else encodings.dataset_size,
        found.prior_factorises,
    )
    kind = "encodings of the test split" if of_test else f"of {estimate.images:,} encodings"
    of = f"from {estimate.encodings:,} {kind}"
    sentences = [
        f"{_figure(name, found.terms[name])} {of}, is impossible: evaluation.encodings=all is exact"
        for name in estimate.impossible()
    ]
    if estimate.at_cap:
        sentences.append(
            f"{_figure(_MI, found.terms[_MI])} {of}, is at its cap: so many tell nothing above "
            f"{estimate.cap:.2f} nats, nor is the total correlation between groups known; "
            "evaluation.encodings=all is exact"
        )
    return sentences


def training_warnings(estimate: Estimate, evaluated: Numbers, *, equal_weights: bool) -> list[str]:
    """Return a sentence on each term that training estimated wrongly.

    Args:
        estimate: the training estimate of the final model.
        evaluated: the terms of the evaluation.
        equal_weights: whether the encodings weigh the same, own ones included.
    """
    impossible = set(estimate.impossible())
    more = _more_encodings(estimate, evaluated[_MI], equal_weights=equal_weights)
    sentences: list[str] = []
    for name in (_MI, *_TOTAL_CORRELATIONS, _KL):
        value = estimate.terms[name]
        if name in impossible:
            verdict = "is impossible"
        elif name == _MI and estimate.at_cap:
            verdict = f"is at its cap, since so many tell nothing above {estimate.cap:.2f} nats"
        elif abs(value - evaluated[name]) > max(_FAR, estimate.noise(name)):
            verdict = "is far off"
        else:
            continue
        sentences.append(
            f"the training estimate of {_figure(name, value)} from {estimate.encodings:,} "
            f"encodings, {verdict}; the evaluation says {number_text(evaluated[name], 2)}: "
            + (_MORE_IMAGES if name in _OF_SINGLE_VARIABLES else more)
        )
    return sentences


def _figure(name: str, value: float) -> str:
    return f"{quantity(f'terms/{name}').title}, {number_text(value, 2)} nats"


def _more_encodings(estimate: Estimate, information: float, *, equal_weights: bool) -> str:
    """Return what brings the estimate of training nearer: encodings several times exp(MI)."""
    wanted = 2 ** math.ceil(math.log2(4 * math.exp(min(information, _MOST_INFORMATION))))
    more = min(max(_LEAST_BANK, 2 * estimate.encodings, wanted), estimate.images)
    bank = f"objective.encodings={more} brings it nearer"
    return bank if equal_weights else f"{bank}, objective.encoding_weights=equal bounds it"
