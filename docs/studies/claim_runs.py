"""Runs with a Concrete variable c and continuous ones (style), for the studies of the claim.

The programs beside it import it: ``concrete_table``, ``claim_table``, ``claim_curves`` and
``equal_reconstruction``.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from runner.comparison.runs import ComparedRun, read_runs
from runner.errors import VaerunError
from runner.store.find_runs import all_runs

Points = Sequence[tuple[float, Mapping[str, float]]]
"""Epoch (or step, of a run without epochs) and the figures of the validation after it."""

VALIDATED = "validated"
"""The state of a run whose figures are those of a validation while it trained."""
_VALIDATION = "validation/"

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

_WORDS = {
    "fashion_mnist": "Fashion-MNIST",
    "mnist": "MNIST",
    r"rate of style linear\(.*?\)": "a style that is expensive at first",
}
"""What the tables say for what stands in a row, in this order."""

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


def points(run: ComparedRun) -> Points:
    """Return the validations of a run that have information of the label."""
    found: list[tuple[float, Mapping[str, float]]] = []
    epochs, steps = run.settings.get("epochs"), run.status.get("steps")
    scale = epochs / steps if isinstance(epochs, int | float) and steps else 1.0
    path = run.path / "metrics.jsonl"
    for line in path.read_text().splitlines() if path.is_file() else ():
        record = json.loads(line)
        if _VALIDATION + LABEL_IN_C in record:
            known = {k.removeprefix(_VALIDATION): v for k, v in record.items() if v is not None}
            found.append((record["step"] * scale, known))
    return found


def validated(runs: Iterable[ComparedRun], epoch: float) -> list[ComparedRun]:
    """Return the runs that were validated after an epoch, with the figures of that validation.

    Of a run without epochs it is the step.

    They stand for runs of so many epochs. Learning rates and weights that were scheduled over more
    were not yet where those of a shorter run end.
    """
    found: list[ComparedRun] = []
    for run in runs:
        for at, figures in points(run):
            if math.isclose(at, epoch, rel_tol=1e-6):
                shared = {"information/variable/category": figures["information/group/category"]}
                length = "steps" if run.settings.get("epochs") is None else "epochs"
                settings = {**run.settings, length: epoch}
                metrics = {**figures, **shared}
                found.append(replace(run, state=VALIDATED, settings=settings, metrics=metrics))
    return found


def chosen_runs(words: Sequence[str], description: str) -> list[ComparedRun]:
    """Return what a command line asks for: ``[--epoch N] FOLDER …``.

    Those are the finished runs beneath the folders, or those validated after an epoch.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--epoch", type=float, help="figures of the validation after this epoch")
    given = parser.parse_args(words)
    runs = read_claim_runs(given.folders)
    return finished(runs) if given.epoch is None else validated(runs, given.epoch)


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
    length = f"{epochs:g} epochs" if isinstance(epochs, int | float) else f"{of['steps']:,g} steps"
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
    return {row: dict(sorted(found[row].items())) for row in in_order(found)}


def other_rows(
    path: Path, heads: Sequence[str], rows: Iterable[Row]
) -> dict[Row, list[dict[str, str]]]:
    """Return the lines of a CSV by their rows, without those of some rows; none without a file.

    Raises: SystemExit where it has other columns, whose figures would be lost.
    """
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    if lines and list(lines[0]) != list(heads):
        raise SystemExit(f"error: {path} has other columns; move it away to begin a new one")
    known, found = set(rows), defaultdict[Row, list[dict[str, str]]](list)
    for line in lines:
        row = Row(*(line[name] for name in Row._fields))
        if row not in known:
            found[row].append(line)
    return found


def write_rows(path: Path, heads: Sequence[str], lines: Mapping[Row, list[dict[str, str]]]) -> None:
    """Write the lines of all rows, rows sorted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, heads, lineterminator="\n")
        table.writeheader()
        for row in in_order(lines):
            table.writerows(lines[row])


def in_words(cell: str) -> str:
    """Return what stands in a row as the tables have it."""
    for pattern, words in _WORDS.items():
        cell = re.sub(pattern, words, cell)
    return cell


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows in the order of tables."""
    return sorted(rows, key=_order)


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
