"""Print the table of Concrete latents in README.md from finished runs, and write it as CSV.

    python docs/studies/concrete_table.py outputs/sweep-*/*

Runs that share dataset, objective, weights, reward and encodings behind q(z) are a row: mean ±
standard deviation over their seeds. Folders without a finished run with a Concrete variable are
skipped. The CSV is ``docs/studies/concrete_latents.csv``.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from claim_runs import (
    LABEL_IN_C,
    LABEL_IN_STYLE,
    RECONSTRUCTION,
    finished,
    hyperparameters,
    read_claim_runs,
    reward,
)

from runner.comparison.runs import ComparedRun

FIGURES = {
    "I(label; c)": LABEL_IN_C,
    "I(label; style)": LABEL_IN_STYLE,
    "I(x; c)": "information/variable/category",
    "purity": "scores/purity",
    "reconstruction": RECONSTRUCTION,
    "correlation between groups": "terms/group_total_correlation",
}


IN_TRAINING = "its estimate in training"
"""The correlation between groups as the minibatches saw it, mean of the last records."""

_LAST_RECORDS = 40


def last_estimates(folder: Path) -> float:
    """Return the mean minibatch estimate of the correlation between groups at a run's end."""
    records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    key = "terms/group_total_correlation"
    return statistics.mean([each[key] for each in records if key in each][-_LAST_RECORDS:])


def describe(run: ComparedRun) -> tuple[str, str, str, str]:
    """Return dataset, objective with its weights, the reward on I(x; c), and the encodings."""
    of = run.settings
    density = " (argmax)" if of["objective.concrete_density"] == "argmax" else ""
    encodings = of.get("objective.encodings") or of["batch_size"]
    objective = f"{of['objective.name']}{density} {hyperparameters(run)}"
    return str(of["dataset.name"]), objective, f"{reward(run):g}", f"{encodings:,}"


def read(folders: list[Path]) -> dict[tuple[str, ...], list[dict[str, float]]]:
    """Return the figures of every finished run, by row."""
    rows: dict[tuple[str, ...], list[dict[str, float]]] = defaultdict(list)
    for run in finished(read_claim_runs(folders)):
        values = {title: run.metrics[name] for title, name in FIGURES.items()}
        values[IN_TRAINING] = last_estimates(run.path)
        rows[describe(run)].append({"seed": run.seed, **values})
    return rows


def main() -> None:
    """Read the folders on the command line; print Markdown, write ``concrete_latents.csv``."""
    rows = read([Path(word) for word in sys.argv[1:]])
    columns = [*FIGURES, IN_TRAINING]
    lines = [
        ["dataset", "objective", "reward on I(x; c)", "encodings behind q(z)", "seeds", *columns]
    ]
    for row, runs in sorted(rows.items()):
        cells = [
            f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"
            if len(values := [run[name] for run in runs]) > 1
            else f"{values[0]:.2f}"
            for name in columns
        ]
        lines.append([*row, str(len(runs)), *cells])
    lines.insert(1, ["---"] * len(lines[0]))
    sys.stdout.write("".join(f"| {' | '.join(line)} |\n" for line in lines))
    with Path(__file__).with_name("concrete_latents.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["dataset", "objective", "reward", "encodings", "seed", *columns])
        for row, runs in sorted(rows.items()):
            for run in sorted(runs, key=lambda run: run["seed"]):
                table.writerow([*row, *(f"{value:.4g}" for value in run.values())])


if __name__ == "__main__":
    main()
