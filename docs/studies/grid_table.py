"""Print the table of a grid for grids.md, and keep its numbers and figures.

    vaerun compare outputs/sweep-mnist_grid --against objective=beta_vae,beta=4
    python docs/studies/grid_table.py mnist_grid outputs/sweep-mnist_grid/comparison

Writes ``docs/studies/mnist_grid.csv``, ``docs/studies/mnist_grid_differences.csv``
and the page's figures in ``docs/figures``.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"

METRICS = {
    "elbo": ("ELBO", 1),
    "terms/reconstruction": ("reconstruction", 1),
    "rate": ("rate", 2),
    "terms/group_total_correlation": ("correlation of c and style", 2),
    "information/factor/category/label": ("I(label; c)", 2),
    "information/factor/style/label": ("I(label; style)", 2),
    "scores/purity": ("purity", 2),
}
"""The figures of the table, their heads and decimals."""

COMPARED = "information/factor/category/label"
"""The figure whose difference from the baseline has a column."""

DRAWN = ("rate_distortion", "information", "traversals")
"""The figures of a comparison that the page shows."""


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(configurations: list[dict[str, str]], gaps: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the table."""
    heads = ["objective", "beta", "gamma", "seeds", *(head for head, _ in METRICS.values())]
    heads.append("its I(label; c) less the baseline's")
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for each in configurations:
        entries = [each["objective.name"], each["beta"], each["gamma"], each["seeds"]]
        for metric, (_, places) in METRICS.items():
            mean, spread = float(each[f"{metric} mean"]), float(each[f"{metric} sd"])
            entries.append(f"{mean:.{places}f} ± {spread:.{places}f}")
        hyperparameters = (f"{name} {each[name]}" for name in ("beta", "gamma") if each[name])
        label = "  ".join([each["objective.name"], *hyperparameters])
        yield f"| {' | '.join([*entries, gaps.get(label, 'baseline')])} |"


def written(gap: Mapping[str, str]) -> str:
    """Return a difference and its interval, with a star where the interval leaves out 0."""
    interval = f"[{float(gap['low']):.2f}, {float(gap['high']):.2f}]"
    star = " *" if gap["excludes_zero"] == "true" else ""
    return f"{float(gap['mean']):+.2f} {interval}{star}"


def main(name: str, folder: Path) -> None:
    """Print the table of a comparison, and copy what the page needs of it."""
    configurations = rows(folder / "configurations.csv")
    differences = rows(folder / "differences.csv")
    shown = ["objective.name", "beta", "gamma", "seeds"]
    shown += [f"{metric} {part}" for metric in METRICS for part in ("mean", "sd")]
    with (HERE / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, shown, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(configurations)
    kept = [gap for gap in differences if gap["metric"] in METRICS]
    with (HERE / f"{name}_differences.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(differences[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    for figure in DRAWN:
        shutil.copy(folder / "figures" / f"{figure}.png", FIGURES / f"{name}_{figure}.png")
    gaps = {gap["configuration"]: written(gap) for gap in differences if gap["metric"] == COMPARED}
    sys.stdout.write("\n".join(table(configurations, gaps)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
