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
    "dataset.changed": "refuse",
    "objective.concrete_draws": "relaxed",
    "architecture.conditional": False,
    "architecture.conditional_head": "separate",
    "objective.encoding_weights": "stratified",
    "metrics.factor_bins": None,
    "figures": {"format": ["png"], "width": None},
    "training.weight_decay": 0.0,
    "objective.penalties.quantisation": {"weight": 0},
    "objective.penalties.commitment": {"weight": 0},
    "tracking": {"to": ["wandb"], "images_every": None},
}
"""Setting or section by its dotted name → its value in runs that do not have it."""


def added(schema: DictConfig) -> DictConfig:
    """Return the values of :data:`ADDED` that a schema of a run has a place for."""
    found = OmegaConf.create({})
    for key, value in ADDED.items():
        parent, _, name = key.rpartition(".")
        if name in getattr(_kind(schema, parent), "__dataclass_fields__", ()):
            OmegaConf.update(found, key, value, force_add=True)
    return found


def _kind(schema: DictConfig, section: str) -> object:
    """Return the type of a section; of one of the outermost, the type that the run has chosen."""
    if not section:
        return OmegaConf.get_type(schema)
    chosen = None if "." in section else OmegaConf.get_type(schema, section)
    return chosen or type_of(section)
