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
from typing import Any

import yaml

FIGURES = {
    "I(label; c)": lambda s: s["information"]["factor"]["category"]["label"],
    "I(label; style)": lambda s: s["information"]["factor"]["style"]["label"],
    "I(x; c)": lambda s: s["information"]["variable"]["category"],
    "purity": lambda s: s["scores"]["purity"],
    "reconstruction": lambda s: s["terms"]["reconstruction"],
    "correlation between groups": lambda s: s["terms"]["group_total_correlation"],
}


IN_TRAINING = "its estimate in training"
"""The correlation between groups as the minibatches saw it, mean of the last records."""

_LAST_RECORDS = 40


def last_estimates(folder: Path) -> float:
    """Return the mean minibatch estimate of the correlation between groups at a run's end."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()[-_LAST_RECORDS:]
    return statistics.mean(json.loads(line)["terms/group_total_correlation"] for line in lines)


def describe(config: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return dataset, objective with its weights, the reward on I(x; c), and the encodings."""
    objective = config["objective"]["name"]
    hyperparameters = ["beta"] if objective == "beta_vae" else ["beta", "gamma"]
    weights = " ".join(
        f"{hyperparameter}={config[hyperparameter]:g}" for hyperparameter in hyperparameters
    )
    density = " (argmax)" if config["objective"]["concrete_density"] == "argmax" else ""
    reward = abs(config["objective"]["group_information"].get("category", 0))
    encodings = config["objective"].get("encodings") or config["batch_size"]
    dataset = config["dataset"]["name"]
    return dataset, f"{objective}{density} {weights}", f"{reward:g}", f"{encodings:,}"


def read(folders: list[Path]) -> dict[tuple[str, ...], list[dict[str, float]]]:
    """Return the figures of every finished run, by row."""
    rows: dict[tuple[str, ...], list[dict[str, float]]] = defaultdict(list)
    for folder in folders:
        status, summary = folder / "status.json", folder / "summary.json"
        if not summary.is_file() or json.loads(status.read_text())["state"] != "finished":
            continue
        config = yaml.safe_load((folder / "config.yaml").read_text())
        figures = json.loads(summary.read_text())
        if "category" in figures["information"]["factor"]:
            values = {name: figure(figures) for name, figure in FIGURES.items()}
            values[IN_TRAINING] = last_estimates(folder)
            rows[describe(config)].append({"seed": config["seed"], **values})
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
