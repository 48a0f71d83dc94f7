"""The scores that need the model and not only its codes, by their names in ``conf/metrics``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Generator

from runner.dataset import Dataset
from runner.errors import UsageError
from runner.evaluation.averages import WithErrors
from runner.evaluation.encodings import encode
from runner.evaluation.information import information
from runner.evaluation.marginal_likelihood import log_likelihood
from runner.evaluation.mig_density import mig_density
from runner.evaluation.pruning import Pruning, pruning
from runner.evaluation.reconstruction import generalisation, reconstruction_error
from runner.evaluation.representation import Representation, densities_of
from runner.evaluation.topic_scores import perplexity, topic_coherence, topic_diversity


@dataclass(frozen=True)
class ScoreResult:
    """The values of a score by name, and the data of its figure, if it has one."""

    numbers: dict[str, float]
    standard_errors: dict[str, float] = field(default_factory=dict[str, float])
    """Of some of the numbers, by their names."""
    pruning: Pruning | None = None


def _result(found: WithErrors, pruned: Pruning | None = None) -> ScoreResult:
    """Return the numbers and those of their standard errors that are known."""
    numbers, errors = found
    known = {name: error for name, error in errors.items() if math.isfinite(error)}
    return ScoreResult(numbers, known, pruned)


def _information(
    model: Representation, dataset: Dataset, source: Generator, *, samples: int, encodings: int
) -> ScoreResult:
    _require_factors(dataset, "information")
    latents = densities_of(model, "information")
    encoded = encode(model, dataset.test, encodings, source)
    return _result(information(latents, encoded, dataset.factors, samples=samples, source=source))


def _mig_density(
    model: Representation, dataset: Dataset, source: Generator, *, samples: int, encodings: int
) -> ScoreResult:
    _require_factors(dataset, "mig_density")
    latents = densities_of(model, "mig_density")
    encoded = encode(model, dataset.test, encodings, source)
    return _result(mig_density(latents, encoded, dataset.factors, samples=samples, source=source))


def _require_factors(dataset: Dataset, score: str) -> None:
    if not dataset.factors:
        raise UsageError(f"{score} needs a factor that varies, and there is none")


def _reconstruction(
    model: Representation, dataset: Dataset, source: Generator, *, samples: int
) -> ScoreResult:
    everywhere = reconstruction_error(model, dataset.test, samples=samples, source=source)
    by_part = generalisation(model, dataset, samples=samples, source=source)
    return _result((everywhere[0] | by_part[0], everywhere[1] | by_part[1]))


def _log_likelihood(
    model: Representation, dataset: Dataset, source: Generator, *, images: int, samples: int
) -> ScoreResult:
    split = dataset.test
    return _result(log_likelihood(model, split, images=images, samples=samples, source=source))


def _pruning(
    model: Representation, dataset: Dataset, source: Generator, *, samples: int, encodings: int
) -> ScoreResult:
    encoded = encode(model, dataset.test, encodings, source)
    pruned = pruning(model, encoded, dataset.test, samples=samples, source=source)
    return _result((pruned.scores(), pruned.standard_errors()), pruned)


def _of_topics(score: Callable[..., WithErrors]) -> Callable[..., ScoreResult]:
    return lambda *given, **settings: _result(score(*given, **settings))


MODEL_SCORES: Mapping[str, Callable[..., ScoreResult]] = {
    "mig_density": _mig_density,
    "information": _information,
    "reconstruction": _reconstruction,
    "log_likelihood": _log_likelihood,
    "pruning": _pruning,
    "perplexity": _of_topics(perplexity),
    "topic_coherence": _of_topics(topic_coherence),
    "topic_diversity": _of_topics(topic_diversity),
}
"""Name → (model, dataset, source, settings by keyword) → result."""
