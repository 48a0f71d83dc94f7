"""Another value for every setting of a run, for tests that walk over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from runner.config import RunConfig

BESIDE_TRAINING = (
    "metrics", "evaluation", "figures", "tracking", "wandb", "name", "out", "sweep_name", "plugins",
    "init_from", "init", "device",
)  # fmt: skip
"""Settings and sections that no step reads: the start, the place, and what comes after training."""

_CHOSEN = (
    "dataset.name", "architecture.name", "prior.name", "likelihood.name", "objective.name",
    "objective.method",
)  # fmt: skip
"""Names that a choice brings, with a class of settings of its own."""

_WORDS = {
    "architecture.conditional_head": "shared",
    "architecture.widths": "[7]",
    "architecture.activation": "tanh",
    "data_dir": "elsewhere",
    "dataset.correlated.factors": "[label,label]",
    "epochs": "0.25",
    "label_seed": "3",
    "labels": "64",
    "objective.concrete_density": "relaxed",
    "objective.concrete_draws": "hard",
    "objective.corruption.kind": "salt_and_pepper",
    "objective.encoding_weights": "equal",
    "objective.encodings": "48",
    "objective.adversarial.noise": "3",
    "objective.adversarial.stability": "spectral_norm",
    "objective.levels": "[3]",
    "objective.pairs.differ": "random",
    "objective.pairs.posterior": "gvae",
    "objective.penalties.contraction.estimate": "exact",
    "objective.penalties.discriminator.widths": "[7]",
    "objective.penalties.mmd.kernel": "rbf",
    "objective.penalties.mmd.scales": "[0.5,2]",
    "objective.penalties.moments.of": "codes",
    "objective.penalties.sparsity.kind": "kl",
    "objective.penalties.supervision.images": "5",
    "objective.penalties.supervision.loss": "objective",
    "precision": "bf16",
    "likelihood.mean": "linear",
    "prior.categories": "3",
    "prior.group_size": "1",
    "prior.means": "random",
    "prior.groups": "{a: [style_0], b: [style_1, category]}",
    "seed": "3",
    "training.clip_gradient": "0.05",
    "training.compile": "true",
    "training.stop_early.after": "3",
    "training.stop_early.metric": "loss",
    "training.stop_early.patience": "2",
    "validation.every": "2",
    "validation.seed": "3",
    "validation.scores": "[mig]",
}

_ENTRIES = {
    "dataset.hold_out": "++dataset.hold_out.label=[1]",
    "objective.group_information": "++objective.group_information.first=0.5",
    "objective.group_rate": "++objective.group_rate.first=0.5",
    "prior.discrete": "++prior.discrete.glasses=bernoulli",
}
"""A setting by names → an entry of it."""


def leaves(settings: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield (dotted name, value) of every setting of sections that a step may read."""
    assert is_dataclass(settings)
    for field in fields(settings):
        key, value = f"{prefix}{field.name}", getattr(settings, field.name)
        if key in BESIDE_TRAINING or key in _CHOSEN:
            continue
        if is_dataclass(value) and not hasattr(value, "as_mapping"):
            yield from leaves(value, f"{key}.")
        else:
            yield key, value


def other_value(key: str, value: object) -> str:
    """Return another value of a setting as the command line has it."""
    if key in _WORDS:
        return _WORDS[key]
    if isinstance(value, bool):
        return str(not value).lower()
    assert isinstance(value, int | float), f"{key}: tests/other_values.py has no other value"
    if isinstance(value, int) and value:
        return str(value + 2)
    return str(value / 2 if value else 0.25)


def others(config: RunConfig) -> Iterator[str]:
    """Yield an override for every setting, which gives it another value."""
    for key, value in leaves(config):
        yield _ENTRIES.get(key) or f"{key}={other_value(key, value)}"
