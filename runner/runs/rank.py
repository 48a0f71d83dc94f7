"""The unsupervised disentanglement ranking (UDR) of several runs.

Shapes: M images, W columns of z, V variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from runner.config import MetricsConfig
from runner.console.lines import print_labelled
from runner.evaluation.representation import densities_of
from runner.metric import stream
from runner.metric.udr import udr
from runner.runs.load import LoadedRun
from runner.store.scores_file import ScoresFile


@dataclass(frozen=True, eq=False)
class RunCodes:
    """The codes of one run, for the images that all runs of its dataset share."""

    dataset: str
    run: LoadedRun
    mean_MW: NDArray[np.float64]
    rate_W: NDArray[np.float64]
    """Mean KL(q(z_v|x)||p(z_v)) of the variable of each column, in nats."""

    @classmethod
    @torch.no_grad()
    def of(cls, run: LoadedRun, metrics: MetricsConfig) -> RunCodes:
        """Return the codes of a run, for test images chosen by the seed of ``metrics``.

        Raises: UsageError for a deterministic code, which has no rates.
        """
        if metrics.udr is None:
            raise ValueError("udr has no settings")
        split = run.dataset.test
        rows_M = stream(metrics.seed, "udr").permutation(split.size)[: metrics.udr.samples]
        images_BCHW = split.images(torch.as_tensor(rows_M, device=run.device))
        model = run.representation
        parameters_BP = model.encode(images_BCHW)
        mean_BW = model.mean(parameters_BP)
        code_BW = model.discretise(mean_BW)
        rate_BV = densities_of(model, "udr").rate_per_variable(code_BW, parameters_BP)
        widths = [columns.stop - columns.start for columns in model.columns.values()]
        return cls(
            repr(run.config.dataset),
            run,
            mean_BW.cpu().numpy().astype(np.float64),
            np.repeat(rate_BV.mean(0).tolist(), widths),
        )


def rank(members: Sequence[RunCodes], metrics: MetricsConfig, console: Console) -> None:
    """Write the UDR of each run among the runs of its dataset to its ``scores.json``."""
    for dataset in dict.fromkeys(member.dataset for member in members):
        group = [member for member in members if member.dataset == dataset]
        if len(group) > 1 and metrics.udr is not None:
            _rank(group, metrics, asdict(metrics.udr), console)


def _rank(
    group: Sequence[RunCodes], metrics: MetricsConfig, settings: dict[str, Any], console: Console
) -> None:
    print_labelled(console, "ranking", f"{len(group)} runs by their agreement")
    models = [(member.mean_MW, member.rate_W) for member in group]
    options = {name: value for name, value in settings.items() if name != "samples"}
    found = udr(models, **options)
    paths = [str(member.run.folder.path) for member in group]
    for member, path, numbers in zip(group, paths, found, strict=True):
        scores_file = ScoresFile(member.run.folder.path / "scores.json", {"step": member.run.step})
        others = sorted(other for other in paths if other != path)
        entry = {"settings": settings, "seed": metrics.seed, "runs": others, "scores": numbers}
        scores_file.put("mean/udr", entry)
        shown = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
        console.print(f"  {path}  {shown}", markup=False, highlight=False, soft_wrap=True)
