"""Write the tables and figures of how scores of disentanglement agree, from scored runs.

    python docs/studies/metric_study.py outputs/metrics

Reads the ``scores.json`` of every finished run beneath the folders. Writes
``docs/studies/metrics.csv`` (a row per run), ``docs/studies/metrics.md`` (means and standard
deviations per objective, both rank correlations as tables) and
``docs/figures/metric_agreement.png`` (both as matrices). The matrices have the form of Locatello
et al. 2019: rank correlation of scores with each other, and of scores with the accuracy of
classifiers on the codes.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"

SCORES = {
    "BetaVAE score": "mean/beta_vae/beta_vae",
    "FactorVAE score": "mean/factor_vae/factor_vae",
    "MIG": "mean/mig/mig",
    "MIG (density)": "model/mig_density/mig_density",
    "DCI disentanglement": "mean/dci/dci/disentanglement",
    "DCI completeness": "mean/dci/dci/completeness",
    "E-W disentanglement": "mean/eastwood_williams/eastwood_williams/disentanglement",
    "Modularity": "mean/modularity/modularity",
    "Explicitness": "mean/explicitness/explicitness",
    "SAP": "mean/sap/sap",
    "IRS": "mean/irs/irs",
    "UDR": "mean/udr/udr_lasso",
}
"""Scores of a representation: title → path in ``scores.json``."""

UNSUPERVISED = {
    "Gaussian TC": "mean/unsupervised/gaussian_total_correlation",
    "Wasserstein": "mean/unsupervised/gaussian_wasserstein_normalised",
    "MI of codes": "mean/unsupervised/mutual_information_score",
    "Hoyer sparsity": "mean/hoyer_sparsity/hoyer_sparsity",
    "Reconstruction, nats": "model/reconstruction/reconstruction/nats",
    "log p(x), nats": "model/log_likelihood/log_likelihood",
    "Shape: linear probe": "mean/linear_probe/linear_probe",
    "Shape: neighbours": "mean/neighbour_probe/neighbour_probe",
    "Shape: purity": "mean/clustering/clustering/purity",
    "Shape: NMI": "mean/clustering/clustering/nmi",
}
"""Further scores, in the table alone."""

DOWNSTREAM = {
    "LR10": "mean/downstream_logistic/downstream_logistic/10",
    "LR100": "mean/downstream_logistic/downstream_logistic/100",
    "LR1000": "mean/downstream_logistic/downstream_logistic/1000",
    "LR10000": "mean/downstream_logistic/downstream_logistic/10000",
    "GBT10": "mean/downstream_boosted/downstream_boosted/10",
    "GBT100": "mean/downstream_boosted/downstream_boosted/100",
    "GBT1000": "mean/downstream_boosted/downstream_boosted/1000",
    "GBT5000": "mean/downstream_boosted/downstream_boosted/5000",
}
"""Mean test accuracy of classifiers of the factors, learned from so many images."""

EFFICIENCIES = {"Efficiency (LR)": ("LR100", "LR10000"), "Efficiency (GBT)": ("GBT100", "GBT5000")}
"""Accuracy from few images over that from many."""

TASKS = (*DOWNSTREAM, *EFFICIENCIES)


@dataclass(frozen=True)
class Run:
    """A scored run."""

    objective: str
    seed: int
    values: dict[str, float]
    """Title → number; those that are not there are left out."""


def read(folders: Iterable[Path]) -> list[Run]:
    """Return the finished and scored runs beneath these folders."""
    runs: list[Run] = []
    for path in sorted(file for folder in folders for file in folder.glob("**/scores.json")):
        config = yaml.safe_load((path.parent / "config.yaml").read_text())
        entries = json.loads(path.read_text())["scores"]
        numbers = {
            f"{key}/{name}": value
            for key, entry in entries.items()
            for name, value in entry["scores"].items()
        }
        wanted = {**SCORES, **UNSUPERVISED, **DOWNSTREAM}
        values = {title: numbers[at] for title, at in wanted.items() if at in numbers}
        for title, (few, many) in EFFICIENCIES.items():
            if few in values and many in values:
                values[title] = values[few] / values[many]
        runs.append(Run(config["objective"]["name"], config["seed"], values))
    # The plain VAE first: the others are read against it.
    return sorted(runs, key=lambda run: (run.objective != "vae", run.objective, run.seed))


def rank_correlation(runs: Sequence[Run], rows: Iterable[str], columns: Iterable[str]) -> NDArray:
    """Return Spearman's correlation over the runs, NaN where a score is the same for all."""
    return np.array([[_spearman(runs, row, column) for column in columns] for row in rows])


def _spearman(runs: Sequence[Run], one: str, other: str) -> float:
    a, b = ([run.values[title] for run in runs] for title in (one, other))
    if len(set(a)) == 1 or len(set(b)) == 1:
        return math.nan
    return float(spearmanr(a, b).statistic)


def draw(runs: Sequence[Run]) -> Figure:
    """Return both matrices side by side, in hundredths as the source prints them."""
    scores, tasks = _present(runs, SCORES), _present(runs, TASKS)
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(len(scores), len(tasks)), sharey=True)
    _matrix(left, rank_correlation(runs, scores, scores), scores, scores)
    left.set_title("scores with each other", loc="left", fontsize=10)
    _matrix(right, rank_correlation(runs, scores, tasks), scores, tasks)
    right.set_title("scores with downstream accuracy", loc="left", fontsize=10)
    title = f"rank correlation over {len(runs)} models, in hundredths"
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    return figure


def _matrix(axes: Axes, values: NDArray, rows: Sequence[str], columns: Sequence[str]) -> None:
    shown = np.nan_to_num(values)
    axes.pcolormesh(shown, cmap="RdBu", vmin=-1, vmax=1, edgecolor="white", linewidth=1)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(shown[row, column]) > 0.65 else "#222222"
        number = "" if math.isnan(value) else f"{100 * value:.0f}"
        axes.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=8, c=colour)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=60, ha="right", fontsize=9)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=9)
    axes.set_ylim(len(rows), 0)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _present(runs: Sequence[Run], titles: Iterable[str]) -> list[str]:
    """Return the titles that every run has a number for."""
    return [title for title in titles if all(title in run.values for run in runs)]


def _means(runs: Sequence[Run], titles: Sequence[str]) -> str:
    """Return a table with a column per objective: mean and standard deviation over its runs."""
    objectives = list(dict.fromkeys(run.objective for run in runs))
    lines = [_line("", *objectives), _line(*["---"] * (len(objectives) + 1))]
    for title in titles:
        cells = [title]
        for objective in objectives:
            values = [run.values[title] for run in runs if run.objective == objective]
            digits = 1 if abs(np.mean(values)) >= 10 else 3
            spread = np.std(values, ddof=1) if len(values) > 1 else math.nan
            cells.append(f"{np.mean(values):.{digits}f} ± {spread:.{digits}f}")
        lines.append(_line(*cells))
    return "\n".join(lines)


def _correlations(runs: Sequence[Run], columns: Sequence[str]) -> str:
    rows = _present(runs, SCORES)
    values = rank_correlation(runs, rows, columns)
    lines = [_line("", *columns), _line(*["---"] * (len(columns) + 1))]
    for title, numbers in zip(rows, values, strict=True):
        lines.append(_line(title, *("-" if math.isnan(n) else f"{100 * n:.0f}" for n in numbers)))
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def page(runs: Sequence[Run]) -> str:
    """Return the page of numbers."""
    counts = {
        name: sum(run.objective == name for run in runs) for name in (r.objective for r in runs)
    }
    models = ", ".join(f"{count} of {name}" for name, count in counts.items())
    scores, tasks = _present(runs, SCORES), _present(runs, TASKS)
    return f"""\
# Scores on sprites

Written by `python docs/studies/metric_study.py RUN_DIR …` from {len(runs)} models ({models});
the commands of the runs, and what the numbers say, are in the
[study](README.md#do-the-scores-agree).

## Disentanglement

Mean and standard deviation over seeds.

{_means(runs, scores)}

## Accuracy of classifiers on the mean codes

{_means(runs, tasks)}

## Further scores

{_means(runs, _present(runs, UNSUPERVISED))}

## Rank correlation of scores with each other

Spearman's, in hundredths, over all {len(runs)} models.

{_correlations(runs, scores)}

## Rank correlation of scores with downstream accuracy

{_correlations(runs, tasks)}
"""


def main() -> None:
    """Write table, page and figure of the runs beneath the folders of the command line."""
    runs = read(Path(word) for word in sys.argv[1:])
    titles = _present(runs, [*SCORES, *UNSUPERVISED, *TASKS])
    with (HERE / "metrics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["objective", "seed", *titles])
        writer.writerows(
            [run.objective, run.seed, *(f"{run.values[t]:.5g}" for t in titles)] for run in runs
        )
    (HERE / "metrics.md").write_text(page(runs))
    draw(runs).savefig(FIGURES / "metric_agreement.png", dpi=90)


if __name__ == "__main__":
    main()
