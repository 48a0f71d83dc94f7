"""Draw where the label is over the epochs of a training, from the records of runs.

    vaerun -m experiment=hfvae_mnist,beta_vae_mnist seed=0,1,2 validation.every=2340 validation.images=2000 validation.information=true sweep_name=claim-curves
    python docs/studies/claim_curves.py outputs/sweep-claim-curves

Reads the validations of runs of any state that were trained with ``validation.information=true``.
A column of panels is a dataset and a posterior, a row is a figure; thin lines are runs, a thick one
is the mean over their seeds. Writes ``docs/figures/claim_curves.png`` and every point to
``docs/studies/claim_curves.csv``; what that has of other rows stays, and is drawn too.
"""  # noqa: E501 - a command in one line

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from claim_runs import (
    DIFFERENCE,
    LABEL_IN_C,
    LABEL_IN_STYLE,
    RECONSTRUCTION,
    Points,
    Row,
    figure,
    in_order,
    in_words,
    other_rows,
    points,
    read_claim_runs,
    rows_of,
    write_rows,
)
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.figures.style import COLOURS, QUIET, fit, new_figure, styled

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"

PANELS = {
    LABEL_IN_C: "I(label; c), nats",
    LABEL_IN_STYLE: "I(label; style), nats",
    DIFFERENCE: "their difference, nats",
    "scores/purity": "purity",
    "information/group/category": "I(x; c), nats",
    RECONSTRUCTION: "reconstruction, nats",
}
"""Figures of a validation, and what their axes say."""

_STYLES = ("-", "--", ":", "-.")
_WIDTH, _HEIGHT = 300, 130

Curves = Mapping[Row, Mapping[int, Points]]
"""The points of every row, by seed."""


def read(folders: Iterable[Path]) -> Curves:
    """Return the curves of the runs that have points."""
    curves: dict[Row, Mapping[int, Points]] = {}
    for row, runs in rows_of(r for r in read_claim_runs(folders) if points(r)).items():
        curves[row] = {seed: points(run) for seed, run in runs.items()}
    return curves


def curve(seen: Points, name: str) -> tuple[list[float], list[float]]:
    """Return the epochs and the values of a figure."""
    known = [(at, v) for at, values in seen if (v := figure(values, name)) is not None]
    return [at for at, _ in known], [value for _, value in known]


def mean_curve(runs: Iterable[Points], name: str) -> tuple[list[float], list[float]]:
    """Return the mean over the runs, at the epochs at which all of them have a value."""
    by_epoch: dict[float, list[float]] = defaultdict(list)
    each = list(runs)
    for seen in each:
        for at, value in zip(*curve(seen, name), strict=True):
            by_epoch[at].append(value)
    known = {at: float(np.mean(v)) for at, v in sorted(by_epoch.items()) if len(v) == len(each)}
    return list(known), list(known.values())


def looks(curves: Curves) -> dict[tuple[str, str], dict[str, Any]]:
    """Return colour and style of every (objective with its weights, form), objectives by colour."""
    names = list(dict.fromkeys(f"{row.objective} {row.weights}" for row in curves))
    forms = list(dict.fromkeys(row.form for row in curves))
    return {
        (f"{row.objective} {row.weights}", row.form): {
            "color": COLOURS[names.index(f"{row.objective} {row.weights}") % len(COLOURS)],
            "linestyle": _STYLES[forms.index(row.form) % len(_STYLES)],
        }
        for row in curves
    }


@styled()
def draw(curves: Curves) -> Figure:
    """Return a column of panels per dataset and posterior, a row per figure."""
    columns = list(dict.fromkeys((row.dataset, row.posterior) for row in curves))
    look = looks(curves)
    drawing, grid = new_figure([_HEIGHT] * len(PANELS), [_WIDTH] * len(columns))
    for number, name in enumerate(PANELS):
        panels = [drawing.add_subplot(grid[number, 0])]
        # One scale for all columns; reconstructions of two datasets are not comparable.
        shared = None if name == RECONSTRUCTION else panels[0]
        for place in range(1, len(columns)):
            panels.append(drawing.add_subplot(grid[number, place], sharey=shared))
        for column, axes in zip(columns, panels, strict=True):
            own = {row: runs for row, runs in curves.items() if row[:2] == column}
            _panel(axes, own, name, look)
            axes.tick_params(labelbottom=name == RECONSTRUCTION)
            if name == LABEL_IN_C:
                axes.set_title(f"{in_words(column[0])}, {column[1]} posterior")
        panels[0].set_ylabel(PANELS[name].replace(", ", ",\n"))
    for axes in drawing.axes[-len(columns) :]:
        axes.set_xlabel("epoch" if all("epochs" in row.length for row in curves) else "step")
    handles = [Line2D([], [], linewidth=2, **each) for each in look.values()]
    drawing.legend(
        handles, [in_words(", ".join(each)) for each in look], loc="outside lower left", ncols=2
    )
    return fit(drawing, grid)


def _panel(
    axes: Axes, curves: Curves, name: str, look: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    """Draw a figure's curves; the difference has a line at 0."""
    if name == DIFFERENCE:
        axes.axhline(0, color=QUIET, linewidth=0.8)
    for row, runs in curves.items():
        how = look[f"{row.objective} {row.weights}", row.form]
        for seen in runs.values():
            axes.plot(*curve(seen, name), linewidth=0.6, alpha=0.6, **how)
        axes.plot(*mean_curve(runs.values(), name), linewidth=2, **how)


def heads() -> list[str]:
    """Return the columns of the CSV."""
    return [*Row._fields, "seed", "epoch", *PANELS.values()]


def with_other_rows(curves: Curves, path: Path) -> Curves:
    """Return curves with those of the other rows that a CSV has."""
    found = dict(curves)
    for row, lines in other_rows(path, heads(), curves).items():
        runs: dict[int, list[tuple[float, Mapping[str, float]]]] = defaultdict(list)
        for line in lines:
            values = {name: float(line[head]) for name, head in PANELS.items() if line[head]}
            runs[int(line["seed"])].append((float(line["epoch"]), values))
        found[row] = runs
    return {row: found[row] for row in in_order(found)}


def write(curves: Curves, path: Path) -> None:
    """Write a line per validation, with every figure; lines of other rows stay."""
    lines = other_rows(path, heads(), curves)
    for row, runs in curves.items():
        lines[row] = []
        for seed, seen in runs.items():
            for at, values in seen:
                known = [figure(values, name) for name in PANELS]
                cells = ["" if v is None else f"{v:.5g}" for v in known]
                line = [*row, str(seed), f"{at:g}", *cells]
                lines[row].append(dict(zip(heads(), line, strict=True)))
    write_rows(path, heads(), lines)


def main() -> None:
    """Draw the runs of the folders on the command line, and write their points."""
    curves = read(map(Path, sys.argv[1:]))
    if not curves:
        raise SystemExit("error: no run with validations and validation.information=true")
    path = HERE / "claim_curves.csv"
    draw(with_other_rows(curves, path)).savefig(FIGURES / "claim_curves.png")
    write(curves, path)


if __name__ == "__main__":
    main()
