"""Write the table and pictures of what a disentangled code has to beat, from finished runs.

    vaerun sweep=baselines_sprites
    python docs/studies/baselines.py outputs/sweep-baselines_sprites
    vaerun sweep=baselines_mnist
    python docs/studies/baselines.py outputs/sweep-baselines_mnist

Any folders of runs on one dataset will do: a configuration is a row, whatever its method. A figure
is the mean over seeds ± their standard deviation; a dash is a figure that the method does not have.
Of each dataset it writes ``docs/studies/baselines_NAME.csv``, every figure of every run;
``docs/studies/baselines_NAME.md``, the table; and ``docs/figures/baselines_NAME.png``,
reconstructions and samples of the run with the least seed of each row.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from runner.comparison.configurations import Comparison, Configuration, compare_runs
from runner.comparison.runs import read_runs
from runner.errors import VaerunError

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"

HEADS = {
    "scores/mean/mig": "MIG",
    "scores/mean/dci/disentanglement": "DCI D",
    "scores/mean/dci/completeness": "DCI C",
    "scores/mean/eastwood_williams/disentanglement": "E-W D",
    "scores/mean/eastwood_williams/completeness": "E-W C",
    "scores/mean/sap": "SAP",
    "scores/mean/modularity": "modularity",
    "scores/mean/explicitness": "explicitness",
    "scores/mean/beta_vae": "β-VAE score",
    "scores/mean/factor_vae": "FactorVAE score",
    "scores/mean/irs": "IRS",
    "scores/mean/infom": "InfoM",
    "scores/mean/infoe": "InfoE",
    "scores/mean/infoc": "InfoC",
    "scores/mean/dci_es/explicitness": "DCI-ES E",
    "scores/mean/dci_es/size": "DCI-ES S",
    "scores/mean/mig_groups": "MIG, groups",
    "scores/mean/modularity_groups": "modularity, groups",
    "scores/mean/infom_groups": "InfoM, groups",
    "scores/mean/infoc_groups": "InfoC, groups",
    "scores/mean/infoe_groups": "InfoE, groups",
    "scores/mean/linear_probe": "linear probe",
    "scores/mean/neighbour_probe": "neighbour probe",
    "scores/mean/clustering/purity": "k-means purity",
    "terms/reconstruction": "reconstruction, nats",
}
"""The figures of a table and their heads; those that no run has are left out."""

PICTURES = ("reconstructions", "samples")
"""Figures of a run that stand side by side."""


def compared(folders: Sequence[Path]) -> Comparison:
    """Return the finished runs beneath some folders by configuration.

    Raises: SystemExit with one line where there is none, or they are of several datasets.
    """
    try:
        found = compare_runs(read_runs(folders), None, ["all"])
    except VaerunError as error:
        raise SystemExit(f"error: {error}") from error
    datasets = sorted({name for each in found.configurations for name in each.datasets})
    if len(datasets) > 1:
        raise SystemExit(f"error: runs on {' and '.join(datasets)}; a table is of one dataset")
    return found


def method(configuration: Configuration) -> str:
    """Return the name of a row: the objective, and the weights that it has."""
    of = configuration.runs[0].settings
    weights = [(name, configuration.settings.get(name)) for name in ("alpha", "beta", "gamma")]
    words = [f"{name}={value:g}" for name, value in weights if isinstance(value, int | float)]
    return " ".join([str(of["objective.name"]), *words])


def entry(configuration: Configuration, metric: str) -> str:
    """Return the mean of a figure over the seeds ± its standard deviation."""
    values_R = configuration.values(metric)
    if not len(values_R):
        return "—"
    places = 1 if metric.startswith("terms/") else 3
    spread = f" ± {values_R.std(ddof=1):.{places}f}" if len(values_R) > 1 else ""
    return f"{values_R.mean():.{places}f}{spread}"


def table(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of the table, a row for each configuration."""
    rows = comparison.configurations
    metrics = [name for name in HEADS if any(len(row.values(name)) for row in rows)]
    heads = ["objective", "variables", "steps", "seeds", *(HEADS[name] for name in metrics)]
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        of = row.runs[0]
        size = str(of.settings.get("prior.dimensions", "—"))
        steps = f"{int(of.status.get('steps') or of.settings['steps']):,}"
        cells = [method(row), size, steps, str(len(row.seeds))]
        yield f"| {' | '.join([*cells, *(entry(row, name) for name in metrics)])} |"


def write_csv(comparison: Comparison, path: Path) -> None:
    """Write every figure of every run, a row for each run."""
    metrics = sorted({name for run in comparison.runs for name in run.metrics})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["objective", "seed", "steps", *metrics])
        for row in comparison.configurations:
            for run in row.runs:
                steps = run.status.get("steps") or run.settings["steps"]
                figures = [run.metrics.get(name, "") for name in metrics]
                writer.writerow([method(row), run.seed, steps, *figures])


def draw(comparison: Comparison, path: Path) -> None:
    """Draw the reconstructions and samples of each row beside each other."""
    rows = comparison.configurations
    figure = Figure(figsize=(10, 2.2 * len(rows)), layout="constrained")
    axes_RP = figure.subplots(len(rows), len(PICTURES), squeeze=False)
    for axes_P, row in zip(axes_RP, rows, strict=True):
        for axes, name in zip(axes_P, PICTURES, strict=True):
            picture = row.runs[0].path / "figures" / f"{name}.png"
            axes.axis("off")
            axes.set_title(f"{method(row)}: {name}" if picture.is_file() else "", fontsize=8)
            if picture.is_file():
                axes.imshow(np.asarray(Image.open(picture)))
    figure.savefig(path, dpi=110)


def main() -> None:
    """Read the runs and write what the page shows of them."""
    comparison = compared([Path(word) for word in sys.argv[1:]])
    name = f"baselines_{comparison.configurations[0].datasets[0]}"
    lines = list(table(comparison))
    write_csv(comparison, HERE / f"{name}.csv")
    dataset = name.removeprefix("baselines_")
    head = [
        f"# What a disentangled code has to beat, on {dataset}",
        "",
        f"Made by `vaerun sweep={name}` and `python docs/studies/baselines.py` on its folder, from",
        "the runs that are finished: a row is a configuration, the mean over its seeds ± their",
        "standard deviation. Methods of one step are fitted at once.",
        "",
        f"![Reconstructions and samples of each](../figures/{name}.png)",
        "",
    ]
    (HERE / f"{name}.md").write_text("\n".join([*head, *lines, ""]), encoding="utf-8")
    draw(comparison, FIGURES / f"{name}.png")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
