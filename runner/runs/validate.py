"""The figures of a validation: those of the evaluation, for images that are set aside.

Everything random is a function of the seed and of what it is for, so two validations differ by
the model alone, and training is the same with them and without.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from runner.config import RunConfig
from runner.dataset import Dataset, Split
from runner.errors import UsageError
from runner.evaluation import Encodings, Evaluator, encode, score_requests
from runner.evaluation.classification import classification_error
from runner.evaluation.cluster_purities import cluster_purities
from runner.evaluation.information import decompose_all, factor_information
from runner.evaluation.representation import LatentDensities, Representation
from runner.method import Method
from runner.metric.quantities import VALIDATION
from runner.training import Record, generator


def is_due(config: RunConfig, step: int, steps: int) -> bool:
    """Return whether there is a validation after a step, of so many in all."""
    every = config.validation.every
    return every is not None and (step % every == 0 or step == steps)


def validate(method: Method, dataset: Dataset, config: RunConfig) -> Record:
    """Return the figures of the validation images, by their names in a record.

    ``validation/elbo``, ``validation/rate`` and ``validation/terms/…`` are estimated as those of
    the summary, ``validation/loss`` as that of training, and ``validation/scores/…`` as those of
    ``scores.json``. A variable that is trained with labels has its classification error. With
    ``validation.information`` there are I(x; z_g) and I(factor; z_g) of every group, and the purity
    of a Concrete variable, as in the summary. A deterministic code has the loss, the reconstruction
    and scores of its codes.
    The method is not changed.

    Raises: UsageError when a score is not defined for these codes.
    """
    split = _part(dataset)
    with method.evaluated():
        figures = {"loss": method.validation_loss(split, config)}
        model = method.represents()
        figures |= _terms(model, dataset, split, config)
        figures |= scores(model, dataset, config)
    return {f"{VALIDATION}{name}": value for name, value in figures.items()}


def _part(dataset: Dataset) -> Split:
    if dataset.validation is None:
        raise ValueError("no images were set aside")
    return dataset.validation


@torch.no_grad()
def _terms(
    model: Representation, dataset: Dataset, split: Split, config: RunConfig
) -> dict[str, float]:
    """Return the ELBO, the rate, the five terms, and the information if asked for, in nats."""
    source = generator(model.device, config.seed, "validation")
    encodings = encode(model, split, config.validation.encodings, source)
    if model.latents is None:
        return {"terms/reconstruction": -float(encodings.log_px_z_M.mean())}
    found = decompose_all(model.latents, encodings)
    terms = found.terms
    rate = model.latents.rate(encodings.z_MW, encodings.parameters_MP).mean()
    figures = {"elbo": -sum(terms.values()), "rate": float(rate)}
    figures |= {f"terms/{name}": value for name, value in terms.items()}
    wrong = classification_error(model, encodings, dataset.class_column)
    figures |= {f"classification/{name}": value for name, value in wrong.items()}
    if not config.validation.information:
        return figures
    figures |= {f"information/group/{name}": value for name, value in found.group.items()}
    return figures | _of_factors(model.latents, encodings, dataset)


def _of_factors(
    latents: LatentDensities, encodings: Encodings, dataset: Dataset
) -> dict[str, float]:
    """Return I(factor; z_g) in nats of every group, and the purity of Concrete variables."""
    if not dataset.factors:
        return {}
    names = [factor.name for factor in dataset.factors]
    known = factor_information(latents, encodings, [factor.size for factor in dataset.factors])
    figures = {
        f"information/factor/{group}/{name}": value
        for group, row in zip(latents.group_names, known, strict=True)
        for name, value in zip(names, row, strict=True)
    }
    purities = cluster_purities(latents, encodings, dataset.class_column)
    return figures | {f"scores/{name}": value for name, value in purities.items()}


def scores(model: Representation, dataset: Dataset, config: RunConfig) -> dict[str, float]:
    """Return the scores of ``validation.scores``, with the settings of ``metrics``.

    Raises: UsageError when one is not defined for these codes.
    """
    if not config.validation.scores:
        return {}
    seen = replace(dataset, test=_part(dataset), has_test_split=True)
    evaluator = Evaluator(model, seen, replace(config.metrics, repeats=None))
    figures: dict[str, float] = {}
    for request in score_requests(config.metrics, sampled=model.latents is not None):
        if request.metric in config.validation.scores:
            try:
                numbers = evaluator.compute(request).numbers
            except UsageError as error:
                message = f"validation.scores: {error.message}"
                raise UsageError(message, error.hint) from error
            figures |= {f"scores/{request.codes}/{name}": v for name, v in numbers.items()}
    return figures
