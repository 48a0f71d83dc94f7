"""A small model, trained for a second on the images of ``toy_dataset``."""

from __future__ import annotations

from collections.abc import Callable

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.model import VAE, build
from runner.objective import Objective
from runner.training import TrainingState, train


def train_small_model(
    composed: Callable[..., RunConfig], dataset: Dataset
) -> tuple[VAE, RunConfig]:
    """Return a VAE with a categorical and three normal variables, and its settings.

    The objective rewards I(x; category), so that the category becomes the class of the image.
    """
    config = composed(
        "architecture=mlp",
        "architecture.widths=[32]",
        "prior=concrete_normal",
        "prior.dimensions=3",
        "objective=beta_vae",
        "beta=1",
        "++objective.group_information={category: -20}",
        "batch_size=32",
        "learning_rate=0.01",
        "evaluation.traversal_steps=5",
        "evaluation.map_points=60",
    )
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    objective = Objective.from_config(config, model.latents.tree, 256)
    state = TrainingState.fresh(model, config)
    for _ in train(state, objective, dataset, config, 300):
        pass
    return model, config
