"""Small models with labels, and minibatches of labelled images."""

from __future__ import annotations

from collections.abc import Callable

import torch

from runner.config import RunConfig
from runner.dataset import Dataset, with_labels
from runner.model import VAE, build
from runner.objective import Objective
from runner.training import TrainingState
from runner.training.batch import Batch
from runner.training.packed import Member

CPU = torch.device("cpu")
SMALL = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[12]", "prior=concrete_normal",
    "prior.dimensions=3", "batch_size=16", "training.record_every=2", "labels=12",
)  # fmt: skip
MODELS = {
    "conditional": ("architecture.conditional=true", "architecture.conditional_head=shared"),
    "independent": (),
    "published": ("architecture.conditional=true", "architecture.conditional_head=shared",
                  "objective.concrete_density=argmax"),
    "relaxed": ("objective.concrete_density=relaxed",),
}  # fmt: skip
Composed = Callable[..., RunConfig]


def labelled(model: VAE, images: int = 5) -> Batch:
    source = torch.Generator().manual_seed(0)
    images_LCHW = torch.rand(images, 1, 8, 8, generator=source).double()
    noise_LW = model.latents.noise(images, source).double()
    classes_L = torch.arange(images) % 4
    none = torch.zeros(0)
    return Batch(
        none, none, none,
        labelled_images_LCHW=images_LCHW, classes_L=classes_L, labelled_noise_LW=noise_LW,
    )  # fmt: skip


def member(config: RunConfig, dataset: Dataset) -> Member:
    data = with_labels(dataset, config, CPU)
    model = build(config, shape=data.shape, classes=data.classes)
    objective = Objective.from_config(config, model.latents.tree, data.train.size)
    return Member(TrainingState.fresh(model, config), objective, data, config, config.steps)
