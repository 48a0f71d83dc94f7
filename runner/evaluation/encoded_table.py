"""The codes of all images of a split, from which the scores of codes are computed.

Shapes: N images, B images of a chunk, W columns of z, F factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator

from runner import progress
from runner.dataset import Dataset
from runner.evaluation.representation import Representation
from runner.metric import Codes, Variable

_CHUNK = 32
"""Images encoded at a time on a CPU; few, so that activations stay in its cache and memory is
reused: a convolutional network is five times as fast as with 1,000."""

_CHUNK_ELSEWHERE = 4000
"""The same on other devices, which few images would not keep busy."""


@dataclass(frozen=True, eq=False)
class CodeTable:
    """The codes of images, computed once for all scores."""

    mean_NW: NDArray[np.float32]
    sampled_NW: NDArray[np.float32]
    factors_NF: NDArray[np.int64]
    complete: bool
    """Whether these are all images there are, and not a sample of them."""

    def codes(self, kind: str, model: Representation, dataset: Dataset) -> Codes:
        """Return the codes of one kind, ``mean`` or ``sampled``, as metrics take them.

        Their groups are those of the prior; a deterministic code has none.

        Raises: UsageError when no score can be computed from them.
        """
        return Codes.of(
            {"mean": self.mean_NW, "sampled": self.sampled_NW}[kind],
            self.factors_NF,
            factor_names=[factor.name for factor in dataset.factors],
            variables=_variables(model),
            groups=groups_of(model),
            complete=self.complete,
        )


def _variables(model: Representation) -> list[Variable]:
    values = {name: tuple(values_K.tolist()) for name, values_K in model.values.items()}
    return [Variable(name, columns, values.get(name)) for name, columns in model.columns.items()]


def groups_of(model: Representation) -> dict[str, list[str]] | None:
    """Return the names of the variables of each group of the prior, or None where it has none."""
    if model.latents is None:
        return None
    names = model.latents.variable_names
    return {
        group.name: [names[v] for v in group.variables] for group in model.latents.tree.children
    }


def has_groups(model: Representation) -> bool:
    """Return whether scores of groups differ from those of variables: see ``Codes.is_grouped``."""
    groups = groups_of(model) or {}
    return 1 < len(groups) < len(model.columns)


@torch.no_grad()
def tabulate(
    model: Representation,
    dataset: Dataset,
    images: int | None,
    source: Generator,
) -> CodeTable:
    """Return the codes of the test images, or of ``images`` of them chosen at random.

    The decoder is not needed, so a whole factor grid takes a minute or two on a CPU. Each image has
    one sample from q(z|x), which all scores of sampled codes use.
    """
    split = dataset.test
    everything = images is None or images >= split.size
    device = source.device
    indices_N = (
        torch.arange(split.size, device=device)
        if everything
        else torch.randperm(split.size, generator=source, device=device)[:images]
    )
    # Filled in place: small tensors kept between large ones that come and go would hold on to
    # gigabytes of the heap.
    width = max(columns.stop for columns in model.columns.values())
    mean_NW = torch.empty(len(indices_N), width)
    sampled_NW = torch.empty_like(mean_NW)
    factors_NF = torch.empty(len(indices_N), len(dataset.factors), dtype=torch.int64)
    chunk = _CHUNK if device.type == "cpu" else _CHUNK_ELSEWHERE
    encode = model.bulk_encoder()
    for first in range(0, len(indices_N), chunk):
        rows = slice(first, first + chunk)
        chunk_B = indices_N[rows]
        parameters_BP = encode(split.images(chunk_B))
        mean_NW[rows] = model.mean(parameters_BP)
        sampled_NW[rows] = model.sample(parameters_BP, source)
        factors_NF[rows] = split.factors(chunk_B)
        progress.tell("encoding", min(rows.stop, len(indices_N)), len(indices_N))
    complete = everything and not dataset.has_test_split and dataset.is_factor_grid
    return CodeTable(mean_NW.numpy(), sampled_NW.numpy(), factors_NF.numpy(), complete)
