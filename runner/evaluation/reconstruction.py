"""How well images are rebuilt from their mean codes.

Shapes: N images, B images of a chunk, W columns of z, C H W image.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from runner.dataset import Dataset, Split
from runner.evaluation.encodings import choose
from runner.model import VAE
from runner.model.vae import to_unit

_CHUNK = 500


@torch.no_grad()
def reconstruction_error(
    model: VAE, split: Split, *, samples: int, source: Generator
) -> dict[str, float]:
    """Return how far images are from what the decoder makes of their mean codes.

    ``reconstruction/squared_error`` is the mean over images and pixels of the squared difference
    between the image and the decoder's mean, pixels between 0 and 1; ``reconstruction/nats`` is
    -log p(x|mean code). A discrete variable has its most probable value. Nothing is drawn but which
    ``samples`` images are judged, so that deterministic codes have these figures too.

    Units: squared pixel values; nats per image.
    """
    parts: list[Tensor] = []
    for chunk_B in choose(split.size, samples, source).split(_CHUNK):
        images_BCHW = split.images(chunk_B)
        mean_BW = model.latents.posterior_mean(model.encode(images_BCHW))
        parts.append(decoding_errors(model, images_BCHW, model.latents.discretise(mean_BW)))
    squared_error, nats = torch.cat(parts, dim=1).cpu().double().mean(1).tolist()
    return {"reconstruction/squared_error": squared_error, "reconstruction/nats": nats}


def decoding_errors(model: VAE, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
    """Return the mean squared error per pixel, and -log p(x|z), of every image, (2, B)."""
    output_BKHW, unit_BCHW = model.decode(z_BW), to_unit(images_BCHW)
    difference_BCHW = model.likelihood.mean(output_BKHW) - unit_BCHW
    squared_error_B = difference_BCHW.square().flatten(1).mean(1)
    return torch.stack([squared_error_B, -model.likelihood.log_prob(output_BKHW, unit_BCHW)])


def generalisation(
    model: VAE, dataset: Dataset, *, samples: int, source: Generator
) -> dict[str, float]:
    """Return the reconstruction errors of trained and of held-out combinations of factors.

    ``reconstruction/trained/nats``, ``reconstruction/held_out/nats`` and the squared errors
    likewise, each from ``samples`` images; nothing where no combination was held out. See
    :func:`reconstruction_error`.
    """
    if dataset.held_out_combinations is None:
        return {}
    parts = {"trained": dataset.train, "held_out": dataset.held_out_combinations}
    return {
        name.replace("/", f"/{part}/"): value
        for part, split in parts.items()
        for name, value in reconstruction_error(
            model, split, samples=samples, source=source
        ).items()
    }
