"""Write the tables and figures of Mathieu et al.'s three experiments, from finished runs.

    python docs/studies/mathieu.py RUN_DIR …

Which experiment a run belongs to is read from its settings. Writes ``docs/studies/mathieu.csv``,
``docs/studies/mathieu.md``, ``docs/figures/pinwheel.png`` and ``docs/figures/sparsity.png``.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from matplotlib.figure import Figure
from PIL import Image

from runner.dataset.sprites import FACTORS

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"
_LATENT_PANEL = (346, 30, 674, 345)
"""Where the middle panel of ``figures/plane.png`` lies: left, top, right, bottom, in pixels."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    config: dict[str, Any]
    summary: dict[str, Any]


def read(folders: Iterable[Path]) -> list[Run]:
    """Return the finished runs of these folders; others are skipped."""
    runs: list[Run] = []
    for folder in folders:
        status, summary = folder / "status.json", folder / "summary.json"
        if summary.is_file() and json.loads(status.read_text())["state"] == "finished":
            config = yaml.safe_load((folder / "config.yaml").read_text())
            runs.append(Run(folder, config, json.loads(summary.read_text())))
    return runs


def of(runs: Sequence[Run], dataset: str) -> list[Run]:
    """Return the runs on a dataset, in the order of their settings."""
    chosen = [run for run in runs if run.config["dataset"]["name"] == dataset]

    def place(run: Run) -> tuple[Any, ...]:
        c = run.config
        return c["prior"]["name"], c["prior"].get("gamma", 0), c["alpha"], c["beta"]

    return sorted(chosen, key=place)


def sparse_rows(runs: Sequence[Run]) -> list[Row]:
    """Return a row per run: how sparse its codes are, and what that costs."""
    return [
        {
            "prior gamma": run.config["prior"]["gamma"],
            "alpha": run.config["alpha"],
            "Hoyer sparsity": run.summary["scores"]["hoyer_sparsity"],
            "reconstruction": run.summary["terms"]["reconstruction"],
            "rate": run.summary["rate"],
            "dimension-wise MMD": run.summary["distances"]["dimension_wise_mmd"],
        }
        for run in of(runs, "fashion_mnist")
    ]


def prior_rows(runs: Sequence[Run]) -> list[Row]:
    """Return a row per run: how far single variables stand for single factors."""
    found: list[Row] = []
    for run in of(runs, "sprites"):
        prior = run.config["prior"]
        learned = ", learned variances" if prior.get("learned") else ""
        terms = run.summary["terms"]
        found.append(
            {
                "prior": f"{prior['name']}{learned}",
                "beta": run.config["beta"],
                "information gap": information_gap(run.summary),
                "reconstruction": terms["reconstruction"],
                "rate": run.summary["rate"],
                "total correlation": terms["group_total_correlation"]
                + terms["within_group_total_correlation"],
            }
        )
    return found


def information_gap(summary: dict[str, Any]) -> float:
    """Return the mean over factors of (most - second most) I(factor; z_v) / H(factor).

    1 where a single variable has information about a factor, 0 where two variables have the same.
    The information is the lower bound of ``summary.json``, not the histogram estimate of the
    mutual information gap (MIG).
    """
    table = summary["information"]["factor"]
    gaps: list[float] = []
    for factor in FACTORS:
        best, second, *_ = sorted((known[factor.name] for known in table.values()), reverse=True)
        gaps.append((best - second) / math.log(factor.size))
    return sum(gaps) / len(gaps)


def draw_pinwheel(runs: Sequence[Run]) -> Figure:
    """Return the latent panels of all runs: the KL's weight above, the divergence's below."""
    rows = [
        sorted(
            (r for r in of(runs, "pinwheel") if not r.config[other]), key=lambda r: r.config[key]
        )
        for key, other in (("beta", "alpha"), ("alpha", "beta"))
    ]
    figure = Figure(figsize=(3 * max(map(len, rows)), 6), layout="constrained")
    grid = figure.subplots(2, max(map(len, rows)), squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        for axes, run in zip(axes_row, row, strict=False):
            picture = Image.open(run.folder / "figures" / "plane.png").convert("RGB")
            axes.imshow(picture.crop(_LATENT_PANEL))
            c = run.config
            title = f"$\\beta$ = {c['beta']:g}, $\\alpha$ = {c['alpha']:g}"
            axes.set_title(title, fontsize=10)
        for axes in axes_row:
            axes.set_axis_off()
    return figure


def draw_sparsity(rows: Sequence[Row]) -> Figure:
    """Return Hoyer sparsity and reconstruction of each prior over the weight of the divergence."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    for axes, column in zip(
        figure.subplots(1, 2), ("Hoyer sparsity", "reconstruction"), strict=True
    ):
        for gamma in sorted({row["prior gamma"] for row in rows}):
            own = [row for row in rows if row["prior gamma"] == gamma]
            places = range(len(own))
            label = f"$\\gamma$ = {gamma:g}"
            axes.plot(places, [row[column] for row in own], "o-", label=label)
            axes.set_xticks(places, [f"{row['alpha']:g}" for row in own])
        axes.set_xlabel("$\\alpha$, weight of the dimension-wise MMD")
        axes.set_ylabel(column)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    lines = [f"| {' | '.join(rows[0])} |", "|" + "---|" * len(rows[0])]
    for row in rows:
        cells = [f"{v:.3f}" if isinstance(v, float) and v < 10 else _short(v) for v in row.values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Write the tables and figures of the folders named on the command line."""
    runs = read(Path(word) for word in sys.argv[1:])
    parts = {"sparsity": sparse_rows(runs), "priors": prior_rows(runs)}
    with (HERE / "mathieu.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        for name, rows in parts.items():
            writer.writerow(["experiment", *rows[0]])
            writer.writerows([name, *row.values()] for row in rows)
    (HERE / "mathieu.md").write_text(
        "Written by `python docs/studies/mathieu.py RUN_DIR …`; the commands of the runs and what "
        "they say are in\nthe [studies](README.md).\n\n## Sparsity, Fashion-MNIST\n\n"
        f"{table(parts['sparsity'])}\n## Priors, sprites\n\n{table(parts['priors'])}"
    )
    draw_pinwheel(runs).savefig(FIGURES / "pinwheel.png", dpi=80)
    draw_sparsity(parts["sparsity"]).savefig(FIGURES / "sparsity.png", dpi=90)


if __name__ == "__main__":
    main()
