"""Write the tables and pictures of what a disentangled code has to beat, from finished runs.

    vaerun sweep=baselines_sprites
    python docs/studies/baselines.py outputs/sweep-baselines_sprites
    vaerun sweep=baselines_mnist
    python docs/studies/baselines.py outputs/sweep-baselines_mnist

Any folders of runs on one dataset will do: a configuration is a row, whatever its method. A figure
is the mean over seeds ± their standard deviation; a dash is a figure that the method does not have.
Of each dataset it writes ``docs/studies/baselines_NAME.csv``, every figure of every run, in which
the lines of other rows stay; ``docs/studies/baselines_NAME.md``, the tables of all its lines,
beneath what is written there by hand; and ``docs/figures/baselines_NAME.png``, reconstructions and
samples of the run with the least seed of each row. Where the folders lack a row of the file the
picture is of their rows alone, and named after them: ``baselines_NAME_gan_info_gan.png``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import runs_csv
from matplotlib.figure import Figure
from PIL import Image

from runner.comparison.configurations import Comparison, Configuration, compare_runs
from runner.comparison.runs import read_runs
from runner.errors import VaerunError

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"


class Row(NamedTuple):
    """What the runs of a line of the tables share, in its order."""

    objective: str
    """With its weights."""
    variables: str
    steps: int


Figures = Mapping[str, float]

Rows = dict[Row, dict[int, Figures]]
"""The figures of every run, by row and seed."""

SCORES = "scores/mean/"
TABLES = {
    "Disentanglement": {
        "mig": "MIG",
        "scores/model/mig_density": "MIG by density",
        "dci/disentanglement": "DCI D",
        "dci/completeness": "DCI C",
        "eastwood_williams/disentanglement": "E-W D",
        "eastwood_williams/completeness": "E-W C",
        "sap": "SAP",
        "modularity": "modularity",
        "beta_vae": "β-VAE score",
        "factor_vae": "FactorVAE score",
        "irs": "IRS",
        "infom": "InfoM",
        "infoc": "InfoC",
        "dci_es/disentanglement": "DCI-ES D",
        "dci_es/completeness": "DCI-ES C",
    },
    "What the codes say": {
        "explicitness": "explicitness",
        "infoe": "InfoE",
        "dci_es/informativeness": "DCI-ES I",
        "dci_es/explicitness": "DCI-ES E",
        "linear_probe": "linear probe",
        "neighbour_probe": "neighbour probe",
        "clustering/purity": "k-means purity",
        "terms/reconstruction": "reconstruction, nats",
    },
    "Groups of variables": {
        "mig_groups": "MIG",
        "eastwood_williams_groups/disentanglement": "E-W D",
        "eastwood_williams_groups/completeness": "E-W C",
        "sap_groups": "SAP",
        "modularity_groups": "modularity",
        "factor_vae_groups": "FactorVAE score",
        "irs_groups": "IRS",
        "infom_groups": "InfoM",
        "infoc_groups": "InfoC",
        "infoe_groups": "InfoE",
        "dci_es_groups/disentanglement": "DCI-ES D",
        "dci_es_groups/completeness": "DCI-ES C",
    },
}
"""The tables of a page, with their figures by name, scores of codes without ``SCORES``, and heads.
A figure that no run has is left out."""

MARK = "<!-- printed by baselines.py -->"
"""What follows it on a page is written anew; what stands before it is kept."""

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


def read(path: Path) -> Rows:
    """Return the runs of the file by row and seed; none without one."""
    found = runs_csv.read(path, Row._fields)
    return {
        Row(name, variables, int(steps)): runs for (name, variables, steps), runs in found.items()
    }


def rows_of(comparison: Comparison) -> Rows:
    """Return the figures of every run by row and seed."""
    rows: Rows = defaultdict(dict)
    for each in comparison.configurations:
        for run in each.runs:
            steps = int(run.status.get("steps") or run.settings["steps"])
            row = Row(method(each), str(run.settings.get("prior.dimensions", "—")), steps)
            rows[row][run.seed] = run.metrics
    return rows


def entry(runs: Mapping[int, Figures], metric: str) -> str:
    """Return the mean of a figure over the seeds ± its standard deviation."""
    values = [run[metric] for run in runs.values() if metric in run]
    if not values:
        return "—"
    places = 1 if metric.startswith("terms/") else 3
    spread = f" ± {np.std(values, ddof=1):.{places}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{places}f}{spread}"


def tables(rows: Rows) -> Iterator[str]:
    """Yield the lines of all tables, in each a row for every configuration that has its figures."""
    for title, heads in TABLES.items():
        found = {_name(short): head for short, head in heads.items()}
        every = {name for runs in rows.values() for run in runs.values() for name in run}
        shown = [name for name in found if name in every]
        if shown:
            yield from ("", f"## {title}", "")
            named = ["objective", "variables", "steps", "seeds", *(found[name] for name in shown)]
            yield f"| {' | '.join(named)} |"
            yield "|" + "---|" * len(named)
        for row, runs in sorted(rows.items()):
            if any(name in run for run in runs.values() for name in shown):
                cells = [row.objective, row.variables, f"{row.steps:,}", str(len(runs))]
                yield f"| {' | '.join([*cells, *(entry(runs, name) for name in shown)])} |"


def _name(short: str) -> str:
    return short if short.startswith(("terms/", "scores/")) else SCORES + short


def write_csv(rows: Rows, path: Path) -> None:
    """Write every figure of every run, a line for each run."""
    figures = sorted({name for runs in rows.values() for run in runs.values() for name in run})
    runs_csv.write(path, Row._fields, sorted(rows.items()), figures)


def draw(comparison: Comparison, path: Path) -> None:
    """Draw the reconstructions and samples of each row beside each other."""
    rows = comparison.configurations
    figure = Figure(figsize=(8, 1.9 * len(rows)), layout="constrained")
    widths = {"width_ratios": (2.6, 1)}
    axes_RP = figure.subplots(len(rows), len(PICTURES), squeeze=False, gridspec_kw=widths)
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
    new, rows = rows_of(comparison), read(HERE / f"{name}.csv")
    rows.update(new)
    lines = list(tables(rows))
    write_csv(rows, HERE / f"{name}.csv")
    page = HERE / f"{name}.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    kept = text.partition(MARK)[0] if MARK in text else f"{head(name)}\n\n"
    page.write_text("\n".join([kept + MARK, *lines, ""]), encoding="utf-8")
    drawn = [] if len(new) == len(rows) else sorted({row.objective.split()[0] for row in new})
    draw(comparison, FIGURES / f"{'_'.join([name, *drawn])}.png")
    sys.stdout.write("\n".join(lines) + "\n")


def head(name: str) -> str:
    """Return what a page begins with, to which its reading is added by hand."""
    dataset = name.removeprefix("baselines_")
    return f"""# What a disentangled code has to beat, on {dataset}

Made by `vaerun sweep={name}` and `python docs/studies/baselines.py` on its folder, from
the runs that are finished: a row is a configuration, the mean over its seeds ± their
standard deviation. Methods of one step are fitted at once.

![Reconstructions and samples of each](../figures/{name}.png)"""


if __name__ == "__main__":
    main()
