"""How well a discrete variable that is trained with labels tells the class of an image.

Shapes: M images, B images of a part, K classes, S samples of each, P parameters of q(z|x), C H W
image.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Dataset
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import Representation

_AT_ONCE = 250
"""Images whose samples are decoded at a time, for one class."""


def classification_error(
    model: Representation, encodings: Encodings, class_column: int | None
) -> dict[str, float]:
    """Return ``error``: the share of images whose most probable class under q(y|x) is not theirs.

    Images whose class is not known do not count. Nothing is returned for a model without a
    variable that is trained with labels.

    Range: 0 to 1.
    """
    if model.classifier is None or class_column is None:
        return {}
    guessed_M = model.classifier.log_q(encodings.parameters_MP).argmax(0)
    return _error("error", guessed_M, encodings.factors_MF[:, class_column])


@torch.no_grad()
def classification(
    model: Representation, dataset: Dataset, encodings: Encodings, samples: int, source: Generator
) -> dict[str, float]:
    """Return the errors of q(y|x), and by importance weights, for the images of ``encodings``.

    ``error_importance_weighted`` is that of the class with the largest estimate of p(x, y),

    1/S sum_s p(x|y, z_s) p(y, z_s) / q(z_s|x, y),  z_s ~ q(z|x, y),

    which is unbiased for each class. With no samples it is left out.

    Range: 0 to 1.
    Source: Siddharth et al. 2017, whose estimate samples the class as well.
    """
    class_column = dataset.class_column
    found = classification_error(model, encodings, class_column)
    if not found or class_column is None or model.latents is None or samples == 0:
        return found
    parts: list[Tensor] = []
    chunks = torch.arange(len(encodings), device=encodings.indices_M.device).split(_AT_ONCE)
    for rows_B in progress.counted(chunks, "classes by importance weights", len(chunks)):
        images_BCHW = dataset.test.images(encodings.indices_M[rows_B])
        parameters_BP = encodings.parameters_MP[rows_B]
        of = (model, images_BCHW, parameters_BP)
        parts.append(log_p_of_classes(*of, samples, source).argmax(1))
    classes_M = encodings.factors_MF[:, class_column]
    return found | _error("error_importance_weighted", torch.cat(parts), classes_M)


def log_p_of_classes(
    model: Representation,
    images_BCHW: Tensor,
    parameters_BP: Tensor,
    samples: int,
    source: Generator,
) -> Tensor:
    """Return the log of the estimate of p(x, y) for every image and class, (B, K), in nats.

    Raises: ValueError for a model without densities or without a class variable.
    """
    latents, classifier = model.latents, model.classifier
    if latents is None or classifier is None:
        raise ValueError("the model has no variable that is the class")
    classes = len(model.category_values[classifier.variable])
    columns: list[Tensor] = []
    for number in range(classes):
        progress.check()
        class_B = torch.full_like(parameters_BP[:, 0], number, dtype=torch.int64)
        given_BP = classifier.given_class(parameters_BP, class_B)
        log_weights: list[Tensor] = []
        for _ in range(samples):
            z_BW = model.sample(given_BP, source)
            log_q_B, log_p_B = latents.log_q_and_p(z_BW, given_BP)
            log_weights.append(model.log_px_z(images_BCHW, z_BW) + log_p_B - log_q_B)
        columns.append(torch.stack(log_weights).logsumexp(0) - math.log(samples))
    return torch.stack(columns, dim=1)


def _error(name: str, guessed_M: Tensor, classes_M: Tensor) -> dict[str, float]:
    is_known_M = classes_M >= 0
    if not bool(is_known_M.any()):
        return {}
    is_wrong_M = (guessed_M != classes_M) & is_known_M
    return {name: float(is_wrong_M.sum() / is_known_M.sum())}
