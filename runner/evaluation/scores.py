"""Which scores the settings ask for, and the computation of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Generator

from runner.config import MetricsConfig
from runner.dataset import Dataset
from runner.evaluation.encoded_table import CodeTable, tabulate
from runner.evaluation.model_scores import MODEL_SCORES, ScoreResult
from runner.evaluation.representation import Representation
from runner.metric import METRICS, Codes, Repeats, compute, names, stream

_OF_THE_MODEL = "model"
"""In place of ``mean`` or ``sampled`` for a score that needs the model itself."""


@dataclass(frozen=True)
class ScoreRequest:
    """One score that is asked for: the metric, the codes, and the metric's settings."""

    metric: str
    codes: str
    settings: dict[str, Any]

    @property
    def key(self) -> str:
        """The name of its entry in a run's ``scores.json``."""
        return f"{self.codes}/{self.metric}"

    @property
    def needs_model(self) -> bool:
        """Whether it is a score of the model itself, and not of its codes."""
        return self.codes == _OF_THE_MODEL


def score_requests(
    metrics: MetricsConfig, *, sampled: bool = True, grouped: bool = True
) -> Iterator[ScoreRequest]:
    """Yield the scores of a model that ``metrics`` asks for, those of its codes first.

    Where ``sampled`` is false the codes are deterministic, and only the mean codes are scored.
    Where ``grouped`` is false the groups are the variables, and scores of groups are left out
    unless no other ones are asked for.
    """
    wanted = _wanted(metrics, grouped=grouped)
    for codes in metrics.codes:
        if codes == "mean" or sampled:
            yield from (
                ScoreRequest(name, codes, wanted[name]) for name in names() if name in wanted
            )
    yield from (
        ScoreRequest(name, _OF_THE_MODEL, wanted[name]) for name in MODEL_SCORES if name in wanted
    )


def score_requests_of_codes(
    metrics: MetricsConfig, *, grouped: bool = True
) -> Iterator[ScoreRequest]:
    """Yield the scores that ``metrics`` asks for and that need no model."""
    wanted = _wanted(metrics, grouped=grouped)
    yield from (ScoreRequest(name, "codes", wanted[name]) for name in names() if name in wanted)


def _wanted(metrics: MetricsConfig, *, grouped: bool) -> dict[str, dict[str, Any]]:
    """Return the settings of each metric that is not null, and defined for codes with groups."""
    wanted = {
        name: dataclasses.asdict(settings)
        for name, settings in vars(metrics).items()
        if dataclasses.is_dataclass(settings) and not isinstance(settings, type)
    }
    of_groups = {name for name in wanted if name in METRICS and METRICS[name].of_groups}
    if grouped or of_groups == wanted.keys():
        return wanted
    return {name: settings for name, settings in wanted.items() if name not in of_groups}


@dataclass(frozen=True, eq=False)
class CodesEvaluator:
    """Codes of images whose factors are known: of one kind of a model, or of another program."""

    given: Codes
    class_factor: str | None
    metrics: MetricsConfig

    def compute(self, request: ScoreRequest) -> ScoreResult:
        """Return the values of a score, with standard errors where ``metrics.repeats`` asks.

        Raises: UsageError when the score is not defined for the codes.
        """
        name, settings, factor = request.metric, request.settings, self.class_factor
        seed = self.metrics.seed
        numbers = compute(name, self.given, factor=factor, seed=seed, settings=settings)
        if self._repeats is None:
            return ScoreResult(numbers)
        errors = self._repeats.standard_errors(name, factor=factor, settings=settings)
        return ScoreResult(numbers, {key: errors[key] for key in numbers if key in errors})

    @cached_property
    def _repeats(self) -> Repeats | None:
        count = self.metrics.repeats
        return Repeats(self.given, self.metrics.seed, count) if count else None


@dataclass(eq=False)
class Evaluator:
    """A trained model and the images to evaluate it on, encoded once, when first needed."""

    model: Representation
    dataset: Dataset
    metrics: MetricsConfig
    _of_kind: dict[str, CodesEvaluator] = field(default_factory=dict[str, CodesEvaluator])

    def compute(self, request: ScoreRequest) -> ScoreResult:
        """Return the values of a score, and the data of its figure, if it has one.

        Raises: UsageError when the score is not defined for the model or its codes.
        """
        if request.needs_model:
            source = self._source(request.metric)
            return MODEL_SCORES[request.metric](
                self.model, self.dataset, source, **request.settings
            )
        kind = request.codes
        if kind not in self._of_kind:
            codes = self._table.codes(kind, self.model, self.dataset)
            self._of_kind[kind] = CodesEvaluator(codes, self.dataset.class_factor, self.metrics)
        return self._of_kind[kind].compute(request)

    @cached_property
    def _table(self) -> CodeTable:
        source = self._source("codes")
        return tabulate(self.model, self.dataset, self.metrics.images, source)

    def _source(self, purpose: str) -> Generator:
        """Return a generator of its own for each purpose, on the model's device."""
        number = int(stream(self.metrics.seed, purpose).integers(2**62))
        return torch.Generator(self.model.device).manual_seed(number)
