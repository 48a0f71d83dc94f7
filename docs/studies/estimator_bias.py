"""Bias and spread of the minibatch estimate of q(z), of toys and of trained models.

The exact aggregate posterior is that of all N encodings of a case. An estimate and the exact term
are taken over the same draws, so that their difference is free of the noise that both share.

Shapes: N encodings of a case, M behind an estimate, B images of a minibatch, K of a bank,
V variables, P numbers from the encoder, W columns of z, T terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from runner import config as settings
from runner.config import CHOICES, RunConfig
from runner.dataset import Dataset, load
from runner.model import VAE, LatentSpace, build
from runner.model.build_latent_space import build_latent_space
from runner.objective import (
    TERM_NAMES,
    EncodingWeights,
    decompose,
    mixture_weights,
    weights_with_bank,
)
from runner.store.checkpoint import load as load_checkpoint

TERMS = [name for name in TERM_NAMES if name != "reconstruction"]
BATCHES = (64, 128, 256, 512, 1024)
ENCODINGS = (1024, 4096)
"""Encodings behind q(z) with a bank: the minibatch's own and the bank's together."""
MINIBATCHES = 30

IMAGES = 10_000
TOY_IMAGES, TOY_DIMENSIONS, TOY_GROUP = 5000, 10, 2
TOY_SCALES = (0.1, 0.5)
TOY_WITHIN, TOY_BETWEEN = 0.6, 0.2
"""Correlations of the toy's means, of two in one group and of two in different groups."""
WALK = 0.15
"""Posterior standard deviations that a mean wanders in a step, if its encodings lag."""

_ROWS = 16  # samples compared with all encodings at a time; few, so that they stay in the cache


@dataclass(frozen=True)
class Case:
    """Encodings that stand for a whole dataset."""

    name: str
    latents: LatentSpace
    numbers_NP: Tensor
    scale: float | None = None
    """Standard deviation of every q(z|x), where the case is a toy."""
    limit: dict[str, float] = field(default_factory=dict)
    """The terms for infinitely many images, where they are known."""


@dataclass(frozen=True)
class Row:
    """One term of one case under one estimate."""

    case: str
    bank: str
    batch: int
    encodings: int
    term: str
    exact: float
    bias: float
    bias_error: float
    """Standard error of the bias."""
    spread: float
    """Standard deviation of the estimate from minibatch to minibatch."""
    spread_exact: float
    """The same of the exact term: what the draw of the images alone does."""


def toy(scale: float) -> Case:
    """Return encodings N(mu_n, scale^2) whose means are drawn from a correlated normal."""
    group_V = torch.arange(TOY_DIMENSIONS) // TOY_GROUP
    same_VV = group_V[:, None] == group_V
    covariance_VV = torch.where(same_VV, TOY_WITHIN, TOY_BETWEEN).double().fill_diagonal_(1.0)
    noise_NV = _normal(TOY_IMAGES, TOY_DIMENSIONS, source=_source(0))
    loc_NV = noise_NV @ torch.linalg.cholesky(covariance_VV).T.float()
    numbers_NP = torch.cat([loc_NV, torch.full_like(loc_NV, math.log(scale))], dim=1)
    prior_settings = CHOICES["prior"]["normal"](
        name="normal",
        dimensions=TOY_DIMENSIONS,
        group_size=TOY_GROUP,
        groups=None,
        discrete={},
        temperature=1.0,
    )
    latents = build_latent_space(
        prior_settings,
        shape=(1, 1, 1),
        classes=1,
        concrete_density="exact",
        images=lambda: torch.zeros(0),
    )
    whole_VV = covariance_VV + scale**2 * torch.eye(TOY_DIMENSIONS)
    return Case(f"toy, s = {scale:g}", latents, numbers_NP, scale, _limit(whole_VV, scale))


def _limit(whole_VV: Tensor, scale: float) -> dict[str, float]:
    """Return the terms for infinitely many images, where q(z) is the normal N(0, whole)."""
    variances_V = whole_VV.diagonal()
    groups = [whole_VV[g : g + TOY_GROUP, g : g + TOY_GROUP] for g in _group_starts()]
    log_groups = torch.stack([part.logdet() for part in groups]).sum()
    log_whole, log_single = whole_VV.logdet(), variances_V.log().sum()
    kl_V = 0.5 * (variances_V - 1 - variances_V.log())
    return {
        "index_code_mi": float(0.5 * log_whole) - TOY_DIMENSIONS * math.log(scale),
        "group_total_correlation": float(0.5 * (log_groups - log_whole)),
        "within_group_total_correlation": float(0.5 * (log_single - log_groups)),
        "dimension_wise_kl": float(kl_V.sum()),
    }


def _group_starts() -> range:
    return range(0, TOY_DIMENSIONS, TOY_GROUP)


def opened(folder: Path) -> tuple[RunConfig, Dataset, VAE]:
    """Return settings, data and model of a run, with the parameters of its last checkpoint."""
    config = settings.restore((folder / "config.yaml").read_text(), [])
    dataset = load(config.dataset, config.data_dir, torch.device("cpu"))
    model = build(
        config,
        shape=dataset.shape,
        classes=dataset.classes,
        images=lambda: dataset.probe_images(torch.device("cpu")),
    )
    model.load_state_dict(load_checkpoint(folder / "checkpoint").tensors["model"])
    return config, dataset, model.eval()


def encode(dataset: Dataset, model: VAE, images: int) -> Tensor:
    """Return what the encoder gives for so many training images, or all, in a random order."""
    indices_N = torch.randperm(dataset.train.size, generator=_source(0))[:images]
    numbers_NP = torch.empty(len(indices_N), model.bind_latents().parameter_count)
    # Into one tensor: small ones that are kept would pin the freed memory of the images.
    for part, indices in zip(numbers_NP.split(500), indices_N.split(500), strict=True):
        part.copy_(model.encode(dataset.kind.to_input(dataset.train.images(indices))))
    return numbers_NP


def trained(folder: Path, images: int = IMAGES) -> Case:
    """Return the encodings of so many training images of a run, under its last checkpoint."""
    config, dataset, model = opened(folder)
    numbers_NP = encode(dataset, model, images)
    hyperparameters = {name: getattr(config, name) for name in settings.WEIGHT_NAMES}
    weights = " ".join(
        f"{k}={v:g}" if isinstance(v, int | float) else f"{k} scheduled"
        for k, v in hyperparameters.items()
    )
    step = load_checkpoint(folder / "checkpoint").state["step"]
    name = f"{config.dataset.name}, {config.objective.name} {weights}, step {step}"
    return Case(name, model.bind_latents(), numbers_NP)


def measure(case: Case) -> Iterator[Row]:
    """Yield the rows of a case: every minibatch size, alone and with banks, fresh and stale."""
    images = len(case.numbers_NP)
    largest = max(batch for batch in BATCHES if batch <= images)
    orders = [torch.randperm(images, generator=_source(1 + r)) for r in range(MINIBATCHES)]
    draws = [_draw(case, order[:largest], seed) for seed, order in enumerate(orders)]
    exact = [_exact(case, order[:largest], z) for order, z in zip(orders, draws, strict=True)]
    truth_T = torch.stack([pieces.mean(0) for pieces in exact]).mean(0)
    for batch in (batch for batch in BATCHES if batch <= images):
        true_RT = torch.stack([pieces[: batch // _ROWS].mean(0) for pieces in exact])
        for encodings, bank in _estimates(case, batch):
            found_RT = torch.stack(
                [
                    _estimate(case, order[:encodings], z_BW[:batch], lag=bank == "stale", seed=r)
                    for r, (order, z_BW) in enumerate(zip(orders, draws, strict=True))
                ]
            )
            head = (case.name, bank, batch, encodings)
            yield from _rows(head, truth_T, found_RT, true_RT)


def _estimates(case: Case, batch: int) -> Iterator[tuple[int, str]]:
    """Yield how many encodings stand behind q(z), and what the bank is like."""
    yield batch, "none"
    for encodings in ENCODINGS:
        if batch < encodings <= len(case.numbers_NP):
            yield encodings, "fresh"
            if case.scale is not None:
                yield encodings, "stale"


def _rows(
    head: tuple[str, str, int, int], truth_T: Tensor, found_RT: Tensor, true_RT: Tensor
) -> Iterator[Row]:
    bias_RT = found_RT - true_RT
    figures = (
        truth_T,
        bias_RT.mean(0),
        bias_RT.std(0) / math.sqrt(len(bias_RT)),
        found_RT.std(0),
        true_RT.std(0),
    )
    for term, values in zip(TERMS, torch.stack(figures, dim=1).tolist(), strict=True):
        yield Row(*head, term, *values)


def _draw(case: Case, images_B: Tensor, seed: int) -> Tensor:
    noise_BW = case.latents.noise(len(images_B), _source(1000 + seed))
    return case.latents.sample(case.numbers_NP[images_B], noise_BW)


def _exact(case: Case, images_B: Tensor, z_BW: Tensor) -> Tensor:
    """Return the terms of every few draws under the whole aggregate posterior, (pieces, T)."""
    images = len(case.numbers_NP)
    # With all encodings every one of them weighs 1/N: whose it is does not matter.
    weights = mixture_weights(images, images, like=z_BW)
    return _pieces(case.latents, z_BW, case.numbers_NP[images_B], case.numbers_NP, weights)


def _estimate(case: Case, images_M: Tensor, z_BW: Tensor, *, lag: bool, seed: int) -> Tensor:
    """Return the terms of a minibatch, (T,); images beyond it are those of the bank."""
    batch, images = len(z_BW), len(case.numbers_NP)
    parameters_MP = case.numbers_NP[images_M]
    if lag:
        parameters_MP = _lagged(case, parameters_MP, batch, seed)
    if len(images_M) == batch:
        weights = mixture_weights(batch, images, like=z_BW)
    else:
        weights = weights_with_bank(batch, torch.ones(len(images_M) - batch), images)
    return _pieces(case.latents, z_BW, parameters_MP[:batch], parameters_MP, weights).mean(0)


def _lagged(case: Case, parameters_MP: Tensor, batch: int, seed: int) -> Tensor:
    """Return encodings that are as old as a bank that took in a minibatch a step.

    The older, the further the encoder has wandered since: its means have gone, over the square root
    of the steps, along a random affine function of themselves, as a smooth network's would.
    """
    if case.scale is None:
        raise ValueError("only a toy has one scale to move by")
    source = _source(2000 + seed)
    loc_MV, log_scale_MV = parameters_MP.chunk(2, dim=1)
    count = loc_MV.shape[1]
    turn_VV, shift_V = _normal(count, count, source=source), _normal(count, source=source)
    direction_MV = (loc_MV @ turn_VV / math.sqrt(count) + shift_V) / math.sqrt(2)
    age_M = torch.arange(len(loc_MV)) // batch  # the minibatch's own are of age zero
    moved_MV = loc_MV + WALK * case.scale * age_M.sqrt()[:, None] * direction_MV
    return torch.cat([moved_MV, log_scale_MV], dim=1)


def _pieces(
    latents: LatentSpace,
    z_BW: Tensor,
    own_BP: Tensor,
    encodings_MP: Tensor,
    weights: EncodingWeights,
) -> Tensor:
    """Return the terms of every few samples, (pieces, T); their mean is that of all samples."""
    found = []
    starts = range(0, len(z_BW), _ROWS)
    for start, z, own in zip(starts, z_BW.split(_ROWS), own_BP.split(_ROWS), strict=True):
        densities = latents.densities(z, own, encodings_MP, pairs=False)
        terms = decompose(densities, z.new_zeros(()), weights.for_rows(start)).terms
        found.append(torch.stack([getattr(terms, name) for name in TERMS]))
    return torch.stack(found)


def _source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normal(*shape: int, source: torch.Generator) -> Tensor:
    return torch.randn(*shape, generator=source)
