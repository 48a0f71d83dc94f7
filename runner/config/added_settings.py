"""Settings that older runs lack, with the values that stand for what those runs did.

A ``config.yaml`` has every setting of its time. To be read, it is given those that came later.
"""

from __future__ import annotations

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from runner.config.setting_types import type_of

ADDED: Mapping[str, object] = {
    "init_from": None,
    "init": {"only": [], "checkpoint": "last", "step": None, "sha256": None},
    "training.keep_best": True,
    "training.stop_early": {"metric": "auto", "patience": None, "min_delta": 0.0, "after": 0},
    "validation": {"every": None, "images": 0.1, "encodings": 2000, "seed": 0, "scores": []},
    "evaluation.checkpoint": "auto",
    "validation.information": False,
    "objective.group_rate": {},
    "objective.method": "vae",
    "objective.layerwise": {"fine_tune": True},
    "objective.fitted": {"images": 10000, "sparsity": 1.0},
    "objective.adversarial": {
        "stability": "gradient_penalty",
        "gradient_penalty": 10.0,
        "learning_rate": 0.0002,
        "noise": 0,
        "information": {"discrete": 1.0, "continuous": 0.1},
        "encoder_steps": 0.25,
    },
    "dataset.changed": "refuse",
    "dataset.pattern": None,
    "dataset.test_by": [],
    "objective.concrete_draws": "relaxed",
    "objective.pairs": {"posterior": "none", "differ": 1},
    "architecture.conditional": False,
    "architecture.conditional_head": "separate",
    "objective.encoding_weights": "stratified",
    "metrics.factor_bins": None,
    "metrics.repeats": None,
    "figures": {"format": ["png"], "width": None},
    "training.weight_decay": 0.0,
    "objective.penalties.quantisation": {"weight": 0},
    "objective.penalties.commitment": {"weight": 0},
    "tracking": {"to": ["wandb"], "images_every": None},
    "labels": None,
    "label_seed": None,
    "evaluation.class_samples": 4,
    "objective.penalties.supervision": {
        "weight": 1,
        "loss": "bound",
        "classification": 50,
        "images": None,
    },
}
"""Setting or section by its dotted name → its value in runs that do not have it."""


def added(schema: DictConfig) -> DictConfig:
    """Return the values of :data:`ADDED` that a schema of a run has a place for."""
    found = OmegaConf.create({})
    for key, value in ADDED.items():
        parent, _, name = key.rpartition(".")
        chosen = _chosen(schema, parent.split(".")) if parent else OmegaConf.get_type(schema)
        if name in getattr(chosen or type_of(parent), "__dataclass_fields__", ()):
            OmegaConf.update(found, key, value, force_add=True)
    return found


def _chosen(schema: DictConfig, path: list[str]) -> type | None:
    """Return the type of a section, or None where the schema leaves open which it is."""
    node = schema
    for name in path[:-1]:
        if OmegaConf.is_missing(node, name):
            return None
        node = node[name]
    return OmegaConf.get_type(node, path[-1])
