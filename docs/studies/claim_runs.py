"""Runs with a Concrete variable c and continuous ones (style), for the studies of the claim.

The programs beside it import it: ``concrete_table``, ``claim_table``, ``claim_curves`` and
``equal_reconstruction``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from runner.comparison.runs import ComparedRun, read_runs
from runner.errors import VaerunError
from runner.store.find_runs import all_runs

_END = 0.975
"""The quantile at the upper end of a 95 % interval."""

LABEL_IN_C = "information/factor/category/label"
LABEL_IN_STYLE = "information/factor/style/label"
DIFFERENCE = "difference"
RECONSTRUCTION = "terms/reconstruction"

FIGURES = {
    LABEL_IN_C: "I(label; c)",
    LABEL_IN_STYLE: "I(label; style)",
    DIFFERENCE: "their difference",
    "scores/purity": "purity",
    "scores/mean/knn/label/style": "kNN of label from style",
    RECONSTRUCTION: "reconstruction",
    "terms/group_total_correlation": "correlation between groups",
    "information/variable/category": "I(x; c)",
}
"""The figures of the claim by their names in ``summary.json`` and ``scores.json``, and their heads;
information, reconstruction and correlation are in nats."""


_VARIANTS = {
    "objective.encoding_weights": ("stratified", "{} weights of q(z)"),
    "objective.concrete_draws": ("relaxed", "{} draws"),
    "architecture.conditional_head": ("separate", "{} head"),
}
"""Further settings that a form names where they are not as usual; runs may lack them."""


class Row(NamedTuple):
    """What the runs of a row share; they differ in their seeds."""

    dataset: str
    posterior: str
    """``conditional``, q(c|x) q(z|x, c), or ``independent``, q(c|x) q(z|x)."""
    objective: str
    weights: str
    form: str
    """How c enters q(z), and the reward on I(x; c); ``as published`` is argmax without one."""
    length: str
    """Of training, in epochs or in steps."""


@dataclass(frozen=True)
class Estimate:
    """A figure with a confidence interval, where there is one."""

    mean: float
    half: float | None
    """Half of the interval's width."""

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and zero is not in it."""
        return self.half is not None and abs(self.mean) > self.half

    def text(self, places: int = 2, *, signed: bool = False) -> str:
        """Return the mean and the interval's half-width: ``1.14 ± 0.08``."""
        sign = "+" if signed else ""
        half = "" if self.half is None else f" ± {self.half:.{places}f}"
        return f"{self.mean:{sign}.{places}f}{half}"


def read_claim_runs(folders: Iterable[Path]) -> list[ComparedRun]:
    """Return the runs beneath some folders, of any state; what is no run is skipped.

    Raises: SystemExit with one line where a file of a run is corrupt.
    """
    try:
        return read_runs([run for folder in folders for run in all_runs(folder)])
    except VaerunError as error:
        raise SystemExit(f"error: {error}") from error


def finished(runs: Iterable[ComparedRun]) -> list[ComparedRun]:
    """Return the finished runs that have the information of the claim."""
    return [run for run in runs if run.state == "finished" and LABEL_IN_C in run.metrics]


def reward(run: ComparedRun) -> float:
    """Return the reward on I(x; c), a positive number, or 0 for none."""
    return abs(float(run.settings.get("objective.group_information.category") or 0))


def hyperparameters(run: ComparedRun) -> str:
    """Return the weights that the objective has: ``beta=12 gamma=4``."""
    names = ["beta"] if run.settings["objective.name"] == "beta_vae" else ["beta", "gamma"]
    return " ".join(f"{name}={shown(run.settings[name])}" for name in names)


def shown(value: object) -> str:
    """Return a number in few digits, and a schedule as its text."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def form_of(run: ComparedRun) -> str:
    """Return how c enters q(z), the reward on it, and what else is not as usual."""
    of = run.settings
    density, paid = of["objective.concrete_density"], reward(run)
    form = f"{density} with reward {paid:g}" if paid else f"{density} without reward"
    if density == "argmax" and not paid:
        form = "as published"
    for key, weight in of.items():
        if key.startswith("objective.group_rate.") and weight:
            form += f", rate of {key.rpartition('.')[2]} {shown(weight)}"
    if of.get("objective.encodings"):
        form += f", {of['objective.encodings']:,} encodings"
    for key, (usual, text) in _VARIANTS.items():
        if of.get(key, usual) != usual and (not key.endswith("_head") or is_conditional(run)):
            form += f", {text.format(of[key])}"
    return form


def is_conditional(run: ComparedRun) -> bool:
    """Whether the style's encoder sees c."""
    return bool(run.settings.get("architecture.conditional"))


def row_of(run: ComparedRun) -> Row:
    """Return the row that a run belongs to."""
    of = run.settings
    epochs = of.get("epochs")
    length = f"{epochs:g} epochs" if isinstance(epochs, int | float) else f"{of['steps']:,} steps"
    posterior = "conditional" if is_conditional(run) else "independent"
    name = str(of["objective.name"])
    return Row(str(of["dataset.name"]), posterior, name, hyperparameters(run), form_of(run), length)


def rows_of(runs: Iterable[ComparedRun]) -> dict[Row, dict[int, ComparedRun]]:
    """Return the runs of every row by seed, rows sorted.

    Raises: SystemExit where two runs of a row have one seed: they differ in a setting that a row
        does not name, and are not repetitions of each other.
    """
    found: dict[Row, dict[int, ComparedRun]] = defaultdict(dict)
    for run in runs:
        others = found[row_of(run)]
        if run.seed in others:
            twice = f"{others[run.seed].path} and {run.path}"
            row = ", ".join(row_of(run))
            raise SystemExit(f"error: {twice} are both seed {run.seed} of '{row}'")
        others[run.seed] = run
    return {row: dict(sorted(found[row].items())) for row in sorted(found, key=_order)}


def _order(row: Row) -> tuple[object, ...]:
    numbers = [float(word.partition("=")[2]) for word in row.weights.split() if _is_number(word)]
    return (row.dataset, row.posterior, row.form, row.length, row.objective, numbers, row.weights)


def _is_number(word: str) -> bool:
    return word.partition("=")[2].replace(".", "", 1).isdigit()


def figure(metrics: Mapping[str, float], name: str) -> float | None:
    """Return a figure of :data:`FIGURES`; None where a run lacks it."""
    if name == DIFFERENCE:
        parts = metrics.get(LABEL_IN_C), metrics.get(LABEL_IN_STYLE)
        return None if parts[0] is None or parts[1] is None else parts[0] - parts[1]
    return metrics.get(name)


def interval(values: Sequence[float], error: float | None = None) -> Estimate:
    """Return the mean of some seeds' figures with Student's 95 % interval.

    That of one seed is of the estimate alone, 1.96 times its standard ``error`` where that is
    known: it says nothing of other seeds.
    """
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Estimate(mean, None if error is None else float(stats.norm.ppf(_END)) * error)
    wide = float(stats.t.ppf(_END, count - 1))
    return Estimate(mean, wide * float(np.std(values, ddof=1)) / count**0.5)
