"""A trained model at work: images → codes → images, and samples of the prior.

Shapes: N images, B images of a batch, P parameters of q(z|x), W columns of z, V continuous
variables, K categories, F factors, C H W image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runner import progress
from runner.api.encoded import Encoded
from runner.api.images import GivenImages
from runner.dataset import IMAGES, Dataset, Split
from runner.errors import UsageError
from runner.evaluation.representation import LatentDensities, Representation
from runner.runs.load import OpenedModel
from runner.training import generator, prepare

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_CHUNK = 32
"""Images at a time on a CPU, whose cache then holds the activations."""

_CHUNK_ELSEWHERE = 2000

SPLITS = ("train", "test", "all")


def encode(opened: OpenedModel, given: GivenImages) -> Encoded:
    """Return the codes of images."""

    def batches() -> Iterator[Tensor]:
        for rows in _chunks(given.count, opened.device):
            progress.tell("encoding", rows.start, given.count)
            yield given.batch(rows).to(opened.device)

    table = given.file.factors if given.file else None
    return Encoded(
        **_of_inputs(opened, batches()),
        images=given.names,
        factors=None if table is None else table.numbers_NF,
        factor_names=() if table is None else table.names,
        class_factor=given.file.class_factor if given.file else None,
    )


def encode_split(opened: OpenedModel, dataset: Dataset, split: str) -> Encoded:
    """Return the codes of the images of a split, with their factors.

    Raises: UsageError where there is no such split.
    """
    if split not in SPLITS:
        raise UsageError(f"there is no split '{split}'", f"splits: {', '.join(SPLITS)}")
    alone = dataset.has_test_split and split == "all"
    parts = [dataset.train, dataset.test] if alone else [dataset.test]
    parts = [dataset.train] if split == "train" else parts
    factors = [part.factors(torch.arange(part.size, device=opened.device)) for part in parts]
    everything = parts == [dataset.test] and not dataset.has_test_split
    return Encoded(
        **_of_inputs(opened, _inputs(parts, dataset, opened.device)),
        factors=torch.cat(factors).cpu().numpy(),
        factor_names=tuple(factor.name for factor in dataset.factors),
        class_factor=dataset.class_factor,
        complete=everything and dataset.is_factor_grid,
    )


def _inputs(parts: list[Split], dataset: Dataset, device: torch.device) -> Iterator[Tensor]:
    """Yield the images of splits as a model sees them, a batch at a time."""
    for part in parts:
        for rows in _chunks(part.size, device):
            progress.tell("encoding", rows.start, part.size)
            indices_B = torch.arange(rows.start, rows.stop, device=device)
            yield dataset.kind.to_input(part.images(indices_B))


def _chunks(count: int, device: torch.device) -> Iterator[slice]:
    size = _CHUNK if device.type == "cpu" else _CHUNK_ELSEWHERE
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


@torch.no_grad()
def _of_inputs(opened: OpenedModel, batches: Iterator[Tensor]) -> dict[str, Any]:
    """Return the fields of :class:`Encoded` that come from the model."""
    prepare(opened.device)
    model = opened.of_inputs
    parts = [model.encode(inputs_BCHW) for inputs_BCHW in batches]
    if not parts:
        parts = [model.encode(torch.zeros(0, *opened.trained_on.shape, device=opened.device))]
    parameters_NP = torch.cat(parts)
    means_NW, latents = model.mean(parameters_NP), model.latents
    scales_NV = None if latents is None else latents.posterior(parameters_NP)[1]
    probabilities = _probabilities(model, parameters_NP)
    return {
        "codes": means_NW.cpu().numpy(),
        "means": model.continuous_part(means_NW).cpu().numpy(),
        "scales": None if scales_NV is None else scales_NV.cpu().numpy(),
        "classes": {name: each_NK.argmax(1) for name, each_NK in probabilities.items()},
        "probabilities": probabilities,
        "names": tuple(name for name in model.columns if name not in probabilities),
        "columns": model.columns,
        "groups": None if latents is None else _groups(latents),
    }


def _probabilities(model: Representation, parameters_NP: Tensor) -> dict[str, NDArray[np.float32]]:
    """Return the probability of each category of every discrete variable, (N, K) each."""
    if model.latents is not None:
        found = model.latents.log_q_categories(parameters_NP)
        named = zip(model.category_values, found, strict=True)
        return {name: log_q_KN.exp().T.cpu().numpy() for name, log_q_KN in named}
    means_NW = model.mean(parameters_NP).cpu()
    columns = {name: means_NW[:, model.columns[name]] for name in model.category_values}
    return {
        name: (torch.cat([1 - p, p], dim=1) if p.shape[1] == 1 else p).numpy()
        for name, p in columns.items()
    }


def _groups(latents: LatentDensities) -> dict[str, list[str]]:
    """Return the names of the variables of each group."""
    names = latents.variable_names
    return {group.name: [names[v] for v in group.variables] for group in latents.tree.children}


@torch.no_grad()
def decode(opened: OpenedModel, codes: Encoded | ArrayLike | Tensor) -> NDArray[np.float32]:
    """Return the expected images of codes; see :meth:`runner.api.run.Run.decode`.

    Raises: UsageError for codes of another width, or that are not numbers.
    """
    given = codes.codes if isinstance(codes, Encoded) else codes
    if isinstance(given, Tensor):
        given = given.detach().cpu().float().numpy()
    try:
        array = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError("the codes are not one array of numbers") from error
    widths = opened.representation.columns
    width = max(columns.stop for columns in widths.values())
    rows_NW = array[None] if array.ndim == 1 else array
    if rows_NW.ndim != 2 or rows_NW.shape[1] != width:
        columns = ", ".join(widths)
        hint = f"a code has {width} columns: {columns}"
        raise UsageError(f"codes have the shape {array.shape}, not (N, {width})", hint)
    if not np.isfinite(rows_NW).all():
        raise UsageError("codes have values that are not finite numbers")
    return as_pictures(decoded(opened, torch.from_numpy(rows_NW.copy())))


@torch.no_grad()
def decoded(opened: OpenedModel, z_NW: Tensor) -> Tensor:
    """Return the expected images of codes, (N, C, H, W), on the CPU."""
    prepare(opened.device)
    parts = [
        opened.representation.decode(z_NW[rows].to(opened.device)).float().cpu()
        for rows in _chunks(len(z_NW), opened.device)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, *opened.trained_on.shape)


@torch.no_grad()
def sample(opened: OpenedModel, n: int, seed: int) -> NDArray[np.float32]:
    """Return the expected images of ``n`` codes drawn from p(z).

    Raises: UsageError for a number below one, and for a deterministic code.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"the number of samples must be a whole number from 1 on, got {n!r}")
    prepare(opened.device)
    source = generator(opened.device, seed, "samples")
    z_NW = opened.representation.sample_prior(n, source)
    if z_NW is None:
        raise UsageError(
            "this model is of a deterministic code, with "
            f"objective={opened.config.objective.name} prior={opened.config.prior.name}: "
            "there is nothing to sample from"
        )
    return as_pictures(decoded(opened, z_NW))


def as_pictures(images_NCHW: Tensor) -> NDArray[np.float32]:
    """Return images as they are shown: (N, H, W) grey, (N, H, W, 3) RGB; points as (N, 2)."""
    array = images_NCHW.numpy()
    if array.shape[1] == 1:
        grey_NHW = array[:, 0]
        return grey_NHW[:, 0] if grey_NHW.shape[1] == 1 else grey_NHW
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1))


def is_of_images(opened: OpenedModel) -> bool:
    """Whether the model is one of images, and not of points."""
    return opened.trained_on.kind is IMAGES
