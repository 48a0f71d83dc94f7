"""Run folders written by hand, with the files that a comparison reads and no model."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from runner.config.tree import leaves

WEIGHT_NAMES = {"alpha": 1.0, "beta": 1.0, "gamma": 1.0}
TERMS = ("index_code_mi", "group_total_correlation", "within_group_total_correlation")
WEIGHTS = {
    "vae": (1, 1, 1, 1),
    "beta_vae": ("beta", "beta", "beta", "beta"),
    "hfvae": ("alpha", "beta", "gamma", 1),
    "home_made": ("beta", "beta", "beta", "beta"),
}
"""Objective → weights of the terms after the reconstruction: numbers, or hyperparameters."""


def config(objective: str = "hfvae", **changes: Any) -> dict[str, Any]:
    """Settings as ``config.yaml`` has them: the weights resolved."""
    hyperparameters = {**WEIGHT_NAMES, **{k: v for k, v in changes.items() if k in WEIGHT_NAMES}}
    weights = [hyperparameters[w] if isinstance(w, str) else w for w in WEIGHTS[objective]]
    tree: dict[str, Any] = {
        "dataset": {"name": "digits", "hold_out": {}},
        "architecture": {"name": "mlp", "widths": [400, 200]},
        "prior": {"name": "normal", "dimensions": 10},
        "objective": {
            "name": objective,
            "weights": dict(
                zip(("reconstruction", *TERMS, "dimension_wise_kl"), (1, *weights), strict=True)
            ),
            "group_information": {},
            "penalties": {"mmd": {"weight": 0, "kernel": "imq"}},
        },
        **hyperparameters,
        "seed": 0,
        "steps": 1000,
        "epochs": None,
        "learning_rate": 0.001,
        "name": f"digits-{objective}",
        "wandb": {"project": "vaerun", "entity": None, "group": None},
    }
    for key, value in changes.items():
        *parents, last = key.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return tree


SECTIONS = ("dataset", "architecture", "prior", "objective")
BROUGHT = {"digits": "mlp", "sprites": "conv64"}
"""Dataset → the architecture that it brings."""


def references(settings: Mapping[str, Any]) -> dict[str, str]:
    """The weights that are as the objective refers to alpha, beta and gamma."""
    objective = settings["objective"]
    templates = dict(
        zip((*TERMS, "dimension_wise_kl"), WEIGHTS.get(objective["name"], ()), strict=False)
    )
    return {
        f"objective.weights.{term}": f"${{{name}}}"
        for term, name in templates.items()
        if isinstance(name, str) and objective["weights"][term] == settings[name]
    }


def origin(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What ``config_unresolved.yaml`` says of how such settings were chosen."""
    choices = {group: settings[group]["name"] for group in SECTIONS}
    usual = dict(leaves(config("vae")))
    changed = [
        key
        for key, value in leaves(settings)
        if key not in references(settings)
        and not key.startswith("objective.weights.")
        and usual.get(key) != value
        and key != "architecture.features"
    ]
    weights = WEIGHTS.get(choices["objective"], (1, 1, 1, 1))
    named = zip((*TERMS, "dimension_wise_kl"), weights, strict=True)
    changed += [
        f"objective.weights.{term}"
        for term, weight in named
        if f"objective.weights.{term}" not in references(settings)
        and settings["objective"]["weights"][term] != weight
    ]
    if choices["architecture"] == BROUGHT.get(choices["dataset"]):
        changed = [key for key in changed if key != "architecture.name"]
    return {"overrides": [], "choices": choices, "changed": changed}


def write_run(
    path: Path,
    settings: Mapping[str, Any],
    elbo: float | None = -100.0,
    *,
    state: str = "finished",
    **more: Any,
) -> Path:
    """Write a run folder and return its path; ``more`` goes into ``summary.json``."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(dict(settings), sort_keys=False))
    if settings:
        unresolved = copy.deepcopy(dict(settings))
        for key, expression in references(settings).items():
            unresolved["objective"]["weights"][key.rpartition(".")[2]] = expression
        unresolved["composition"] = origin(settings)
        text = yaml.safe_dump(unresolved, sort_keys=False)
        (path / "config_unresolved.yaml").write_text(text)
    error = None if state == "finished" else f"it is {state}"
    (path / "status.json").write_text(json.dumps({"state": state, "error": error}))
    if state == "finished":
        summary = {"step": 1000, "elbo": elbo, "rate": 10.0, "images": 50, **more}
        (path / "summary.json").write_text(json.dumps(summary))
    return path


def write_grid(folder: Path, seeds: int = 3) -> Path:
    """Write runs of beta-VAE (beta 1, 4) and HFVAE (beta 4, gamma 1 and 2), all with seeds."""
    configurations = [("beta_vae", {"beta": 1.0}), ("beta_vae", {"beta": 4.0})]
    configurations += [("hfvae", {"beta": 4.0, "gamma": gamma}) for gamma in (1.0, 2.0)]
    number = 0
    for place, (objective, hyperparameters) in enumerate(configurations):
        for seed in range(seeds):
            elbo = -100.0 - 10 * place - 0.5 * seed**2 + 0.1 * (seed % 2) * place
            settings = config(objective, seed=seed, **hyperparameters)
            write_run(folder / str(number), settings, elbo, terms={"reconstruction": 80.0 + seed})
            number += 1
    return folder
