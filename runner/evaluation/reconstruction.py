"""How well images are reconstructed from their mean codes.

Shapes: N images, B images of a chunk, W columns of z, C H W image.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Dataset, Split
from runner.evaluation.averages import WithErrors, with_errors
from runner.evaluation.encodings import choose
from runner.evaluation.representation import Representation

_CHUNK = 50
"""Few images, so that the activations of a convolutional network stay small."""


@torch.no_grad()
def reconstruction_error(
    model: Representation, split: Split, *, samples: int, source: Generator
) -> WithErrors:
    """Return how images differ from the reconstructions from their mean codes, and standard errors.

    ``reconstruction/squared_error`` is the mean over images and pixels of the squared difference
    between the image and the decoder's mean, pixels between 0 and 1; ``reconstruction/nats`` is
    -log p(x|mean code). A discrete variable has its most probable value. Only the choice of the
    ``samples`` images is random, so deterministic codes have these figures too.

    Units: squared pixel values; nats per image.
    Range: 0 to 1 for the squared error.
    """
    parts: list[Tensor] = []
    chunks = choose(split.size, samples, source).split(_CHUNK)
    for chunk_B in progress.counted(chunks, "reconstructing", len(chunks)):
        images_BCHW = split.images(chunk_B)
        code_BW = model.code_given(model.encode(images_BCHW))
        parts.append(model.reconstruction_errors(images_BCHW, code_BW))
    errors_N2 = torch.cat(parts, dim=1).cpu().T
    names = "reconstruction/squared_error", "reconstruction/nats"
    return with_errors(names, errors_N2)


def generalisation(
    model: Representation, dataset: Dataset, *, samples: int, source: Generator
) -> WithErrors:
    """Return the errors of trained and of held-out combinations of factors.

    ``reconstruction/trained/nats``, ``reconstruction/held_out/nats`` and the squared errors
    likewise, each from ``samples`` images, and their standard errors; nothing where no combination
    was held out. See :func:`reconstruction_error`.
    """
    if dataset.held_out_combinations is None:
        return {}, {}
    parts = {"trained": dataset.train, "held_out": dataset.held_out_combinations}
    found: WithErrors = {}, {}
    for part, split in parts.items():
        of_part = reconstruction_error(model, split, samples=samples, source=source)
        for kept, numbers in zip(found, of_part, strict=True):
            kept.update({name.replace("/", f"/{part}/"): n for name, n in numbers.items()})
    return found
