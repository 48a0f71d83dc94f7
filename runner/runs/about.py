"""What the figures of a run say of it in their metadata: no path and no user is named there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import cast

import yaml

import runner
from runner.config import CorrelationConfig, DatasetConfig, RunConfig, Schedule, Value
from runner.config.composition import ORIGIN
from runner.config.yaml_text import refuse_unusual
from runner.errors import UsageError
from runner.store.pictures import About
from runner.store.run_folder import RunFolder

_OF_THE_MACHINE = ("out", "data_dir", "device", "sweep_name", "epochs=null", "wandb.", "hydra.")
"""Settings of a command line that are nobody else's business, or follow from where it ran."""


def about(config: RunConfig, step: int, folder: RunFolder) -> About:
    """Return the metadata of the figures of a run that stands at a step."""
    settings = {
        "dataset": config.dataset.name,
        "objective": config.objective.name,
        "alpha": _number(config.alpha),
        "beta": _number(config.beta),
        "gamma": _number(config.gamma),
        "prior": config.prior.name,
        "architecture": config.architecture.name,
        "likelihood": config.likelihood.name,
        "seed": str(config.seed),
        "steps": str(step),
    }
    if not_trained := "; ".join(not_trained_on(config.dataset)):
        settings["training_images"] = not_trained
    creator = f"vaerun {runner.__version__}"
    return About(config.name, settings, _command(folder), creator)


def not_trained_on(dataset: DatasetConfig) -> Iterator[str]:
    """Yield what the training images lack: held-out combinations, and a correlation."""
    if dataset.hold_out:
        held_out = (f"{factor} {_values(value)}" for factor, value in dataset.hold_out.items())
        yield f"without {' and '.join(held_out)}"
    correlated = dataset.correlated
    if isinstance(correlated, CorrelationConfig) and correlated.factors:
        yield f"{' and '.join(correlated.factors)} correlated (width {correlated.width:g})"


def _number(value: Value) -> str:
    return str(value) if isinstance(value, Schedule) else f"{value:g}"


def _values(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in cast("list[object]", value))
    return str(value)


def _command(folder: RunFolder) -> str:
    """Return the command line of a run without what belongs to its machine, empty if unknown."""
    try:
        _, _, origin = (folder.read_unresolved() or "").rpartition(f"\n{ORIGIN}:\n")
        refuse_unusual(origin, ORIGIN)
        tree: object = yaml.safe_load(origin)
    except (UsageError, yaml.YAMLError, ValueError):
        return ""  # the figures do without
    given = cast("dict[str, object]", tree).get("overrides") if isinstance(tree, dict) else None
    if not isinstance(given, list):
        return ""
    overrides = map(str, cast("list[object]", given))
    return " ".join(["vaerun", *(shlex.quote(each) for each in overrides if _is_of_the_run(each))])


def _is_of_the_run(override: str) -> bool:
    """Whether a setting says something about the run, and nothing about a machine."""
    return not override.startswith(_OF_THE_MACHINE) and not set(override) & set("/\\~")
