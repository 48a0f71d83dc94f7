"""Comparisons of made runs, whose figures say which run they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.runs import ComparedRun

BY = ("objective.name", "beta", "gamma", "dataset.name")


def made_run(
    settings: Mapping[str, Any],
    metrics: Mapping[str, float],
    *,
    seed: int = 0,
    path: Path = Path("nowhere"),
) -> ComparedRun:
    every = {"dataset.name": "mnist", **settings, "seed": seed}
    return ComparedRun(path, "finished", None, every, metrics)


def metrics_of(settings: Mapping[str, Any], seed: int) -> dict[str, float]:
    """The larger beta and gamma, the smaller the rate; seeds differ by one nat."""
    beta, gamma = settings.get("beta") or 1, settings.get("gamma") or 1
    rate, reconstruction = 30 / beta + gamma / 10, 100 + 2.0 * beta + seed
    return {
        "rate": rate,
        "terms/reconstruction": reconstruction,
        "elbo": -rate - reconstruction,
        "scores/mean/mig": beta / 100,
    }


def made_configuration(
    settings: Mapping[str, Any], seeds: Iterable[int] = (0, 1, 2)
) -> Configuration:
    runs = tuple(made_run(settings, metrics_of(settings, seed), seed=seed) for seed in seeds)
    return Configuration(dict(settings), runs)


def compare(
    *configurations: Configuration,
    metrics: Sequence[str] = ("elbo", "terms/reconstruction", "scores/mean/mig"),
) -> Comparison:
    return Comparison(
        tuple(configurations), tuple(configurations[0].settings), tuple(metrics), excluded=()
    )


def grid(
    *,
    betas: Sequence[float] = (1, 4, 16),
    gammas: Sequence[float] = (1, 2),
    datasets: Sequence[str] = ("mnist",),
    seeds: Sequence[int] = (0, 1, 2),
) -> Comparison:
    """A beta-VAE over beta and an HFVAE over beta and gamma."""
    rows = [("beta_vae", beta, None, data) for data in datasets for beta in betas]
    rows += [
        ("hfvae", beta, gamma, data) for data in datasets for beta in betas for gamma in gammas
    ]
    return compare(*(made_configuration(dict(zip(BY, row, strict=True)), seeds) for row in rows))
