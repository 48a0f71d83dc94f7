"""Pairs of images: what their posteriors seem to share is replaced by its average.

Rows 2i and 2i + 1 of a minibatch are a pair. Everything after the encoder sees the averages, so
that an objective of pairs is any objective of the five terms and its penalties.

Shapes: B images, H pairs, P parameters of q(z|x), V normal variables, W columns of discrete ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from runner.config import RANDOM, UNPAIRED, PairsConfig
from runner.dataset import Dataset, partners_of
from runner.errors import UsageError
from runner.model import LatentSpace
from runner.objective import pair_averages


def average_pairs(latents: LatentSpace, parameters_BP: Tensor, how: str) -> Tensor:
    """Return the parameters with those of shared variables averaged over each pair, (B, P).

    A variable is shared where KL(q(z_v|x_1) || q(z_v|x_2)) is small beside that of the pair's
    other variables. Gradients flow through the averages, and not through this choice.

    ``how`` is ``gvae`` or ``ml_vae``; see :mod:`runner.objective.pair_averages`.
    Source: Locatello et al. 2020, section 4.
    """
    pairs_H2P = parameters_BP.unflatten(0, (-1, 2))
    first_HP, second_HP = pairs_H2P.unbind(1)
    with torch.no_grad():
        is_shared_HP = _is_shared(latents, first_HP, second_HP)
    average_HP = _average(latents, first_HP, second_HP, how)
    return torch.where(is_shared_HP[:, None], average_HP[:, None], pairs_H2P).flatten(0, 1)


def _is_shared(latents: LatentSpace, first_HP: Tensor, second_HP: Tensor) -> Tensor:
    """Return whether the variable of every parameter is shared, (H, P), bool."""
    logits, others = _logits(latents, first_HP), _logits(latents, second_HP)
    kinds = latents.discrete.variables
    of_categories = [
        pair_averages.kl_of_categories(kind.log_q(one), kind.log_q(other))[:, None]
        for kind, one, other in zip(kinds, logits, others, strict=True)
    ]
    of_normals_HV = pair_averages.kl_of_normals(
        _normal(latents, first_HP), _normal(latents, second_HP)
    )
    shared_HV = pair_averages.is_shared(torch.cat([*of_categories, of_normals_HV], dim=1))
    widths = [*latents.discrete.widths, of_normals_HV.shape[1]]
    *discrete, normal_HV = shared_HV.split([1] * len(kinds) + widths[-1:], dim=1)
    columns = [one.expand(-1, width) for one, width in zip(discrete, widths, strict=False)]
    return torch.cat([*columns, normal_HV, normal_HV], dim=1)  # means, and log-scales


def _average(latents: LatentSpace, first_HP: Tensor, second_HP: Tensor, how: str) -> Tensor:
    """Return the parameters of the averages of all variables, (H, P)."""
    logits, others = _logits(latents, first_HP), _logits(latents, second_HP)
    parts = [
        kind.parameters(
            pair_averages.average_of_categories(kind.log_q(one), kind.log_q(other), how)
        )
        for kind, one, other in zip(latents.discrete.variables, logits, others, strict=True)
    ]
    normal = pair_averages.average_of_normals(
        _normal(latents, first_HP), _normal(latents, second_HP), how
    )
    return torch.cat([*parts, *normal], dim=1)


def _logits(latents: LatentSpace, parameters_HP: Tensor) -> tuple[Tensor, ...]:
    """Return the parameters of every discrete variable."""
    widths = latents.discrete.widths
    return parameters_HP[:, : sum(widths)].split(widths, dim=1) if widths else ()


def _normal(latents: LatentSpace, parameters_HP: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and log-scales of the normal variables, (H, V) each."""
    loc_HV, log_scale_HV = parameters_HP[:, latents.discrete.width :].chunk(2, dim=1)
    return loc_HV, log_scale_HV


def check_pairs(settings: PairsConfig, latents: LatentSpace, dataset: Dataset) -> None:
    """Refuse pairs of images without factors, and posteriors that have no average.

    Raises: UsageError saying what is missing.
    """
    if settings.posterior == UNPAIRED:
        return
    key = f"objective.pairs.posterior={settings.posterior}"
    if latents.components > 1:
        raise UsageError(
            f"{key} averages one variable at a time, but with architecture.conditional=true the "
            "normal ones depend on the discrete ones",
            "architecture.conditional=false",
        )
    factors = [factor.name for factor in dataset.factors if factor.size > 1]
    if len(factors) < 2:
        has = f"has {factors[0]} alone" if factors else "has none"
        raise UsageError(
            f"{key} needs images with two factors or more, and {dataset.name} {has}",
            "dataset=sprites, dsprites, shapes3d, cars3d, mpi3d_toy and smallnorb have several",
        )
    if settings.differ != RANDOM and settings.differ >= len(factors):
        raise UsageError(
            f"objective.pairs.differ={settings.differ} leaves none of the {len(factors)} factors "
            f"of {dataset.name} equal",
            f"at most {len(factors) - 1}, or random",
        )
    partners_of(dataset).check(settings.differ, dataset.name)
