"""What a model needs to know of the dataset that it was trained on, kept in its checkpoint.

With it a run is opened where its dataset is not.

Shapes: N images, C H W image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from runner.config import DatasetConfig, PriorConfig
from runner.dataset import IMAGES, KINDS, SOURCES, Dataset, Kind

_LEAST, _MOST = 64, 2000
"""Placeholders of training images; a prior is never shown more than 2,000."""


@dataclass(frozen=True)
class TrainedOn:
    """What the networks and the prior of a run were built for."""

    shape: tuple[int, int, int]
    """C, H, W."""
    classes: int
    """The number of values of the factor that is the class; 0: there is none."""
    kind: Kind
    images: int | None
    """Images to train on, where that is known."""

    @classmethod
    def of(cls, dataset: Dataset) -> TrainedOn:
        """Return what is kept of a dataset."""
        return cls(dataset.shape, dataset.classes, dataset.kind, dataset.train.size)

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> TrainedOn | None:
        """Return what the state of a checkpoint says, or None where it says nothing of use."""
        kept = state.get("dataset")
        if kept is None or kept["kind"] not in KINDS:
            return None
        channels, height, width = kept["shape"]
        shape = (channels, height, width)
        return cls(shape, kept["classes"], KINDS[kept["kind"]], kept["images"])

    @classmethod
    def declared(cls, config: DatasetConfig) -> TrainedOn | None:
        """Return what is known of a published dataset without its files, else None."""
        source = SOURCES.get(config.name)
        return None if source is None else cls(source.shape, len(source.class_names), IMAGES, None)

    def state(self) -> dict[str, Any]:
        """Return it as the state of a checkpoint has it."""
        return {
            "shape": list(self.shape),
            "classes": self.classes,
            "kind": self.kind.name,
            "images": self.images,
        }

    def placeholder_images(self, prior: PriorConfig) -> Tensor:
        """Return noise in place of training images, (N, C, H, W), between 0 and 1.

        A prior that starts from images needs some to be built; what it makes of them is then
        replaced by what it has learned. There are enough for every number in its settings.
        """
        numbers = [value for value in vars(prior).values() if isinstance(value, int)]
        count = min(max(_LEAST, *(number + 1 for number in numbers)), _MOST)
        return torch.rand(count, *self.shape, generator=torch.Generator().manual_seed(0))
