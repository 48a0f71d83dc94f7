"""Importance-weighted bounds on log p(x).

Shapes: I images, S samples of each, B = S I codes, P parameters of q(z|x), C H W image.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Split
from runner.evaluation.averages import WithErrors, with_errors
from runner.evaluation.encodings import choose
from runner.evaluation.representation import LatentDensities, Representation, densities_of

_CODES = 64
"""Codes decoded at a time; few, so that activations stay in a CPU's cache."""


@torch.no_grad()
def log_likelihood(
    model: Representation, split: Split, *, images: int, samples: int, source: Generator
) -> WithErrors:
    """Return the mean over images of log 1/K sum_k p(x, z_k)/q(z_k|x), K = ``samples``.

    Its expectation grows with K from the ELBO, which is K = 1, to log p(x).
    ``log_likelihood/elbo`` is the ELBO of the same images from the same samples. The second result
    has the standard errors of both, of the means over images; NaN of a single image.

    A discrete variable is the categorical one that it relaxes: its categories are sampled, and
    q(k|x) and p(k) are their probabilities, so the bound is one for the discrete model. A Bernoulli
    likelihood has a bound on log p(x) for binary images only; for grey ones it is a cross-entropy.

    Units: nats per image.
    Raises: UsageError for a deterministic code.
    Source: Burda et al. 2016.
    """
    latents = densities_of(model, "log_likelihood")
    draws = min(samples, _CODES)
    parts: list[tuple[Tensor, Tensor]] = []
    chunks = choose(split.size, images, source).split(_CODES // draws)
    for chunk_I in progress.counted(chunks, "log p(x)", len(chunks)):
        parts.append(_bounds(model, latents, split.images(chunk_I), samples, source))
    bounds_I2 = torch.stack([torch.cat(column).cpu() for column in zip(*parts, strict=True)], dim=1)
    names = "log_likelihood", "log_likelihood/elbo"
    return with_errors(names, bounds_I2)


def _bounds(
    model: Representation,
    latents: LatentDensities,
    images_ICHW: Tensor,
    samples: int,
    source: Generator,
) -> tuple[Tensor, Tensor]:
    """Return the bounds of K = ``samples`` and of K = 1 of each image, (I,) each.

    The latter is the mean over all samples.
    """
    parameters_IP = model.encode(images_ICHW)
    log_sum_I = torch.full_like(parameters_IP[:, 0], -torch.inf)
    total_I = torch.zeros_like(log_sum_I)
    chunk = max(1, _CODES // len(images_ICHW))
    for first in range(0, samples, chunk):
        progress.check()  # of one image there may be very many samples
        draws = min(chunk, samples - first)
        log_weights_SI = _log_weights(model, latents, (images_ICHW, parameters_IP), draws, source)
        log_sum_I = torch.logaddexp(log_sum_I, log_weights_SI.logsumexp(0))
        total_I += log_weights_SI.sum(0)
    return log_sum_I - math.log(samples), total_I / samples


def _log_weights(
    model: Representation,
    latents: LatentDensities,
    encoded: tuple[Tensor, Tensor],
    draws: int,
    source: Generator,
) -> Tensor:
    """Return log p(x, z)/q(z|x) of new samples of every image, (S, I)."""
    images_ICHW, parameters_IP = encoded
    parameters_BP = parameters_IP.repeat(draws, 1)
    z_BW = model.sample(parameters_BP, source)
    log_qz_x_B, log_pz_B = latents.log_q_and_p(z_BW, parameters_BP)
    log_px_z_B = model.log_px_z(images_ICHW.repeat(draws, 1, 1, 1), z_BW)
    return (log_px_z_B + log_pz_B - log_qz_x_B).unflatten(0, (draws, -1))
