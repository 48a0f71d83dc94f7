"""Print what became of the factors in runs on sprites, and draw their MIG over training.

    python docs/studies/first_run.py outputs/first/*/* outputs/first/*/*/*

Reads the validations of each run (``validation.scores=[mig]``) and the scores of its end: the table
has a row per run, and the figure, ``docs/figures/first_run_mig.png``, a line per run. Of a run that
is evaluated, the table names the group that knows most about each factor, from ``summary.json``.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"
SCORE = "validation/scores/mean/mig"
SHOWN = ("scale", "x", "y")
"""The factors that a newcomer is to see apart."""


@dataclass(frozen=True)
class Trained:
    """What the table and the figure need of a run."""

    seed: int
    setting: str
    """The network, the batch and the number of variables."""
    steps: tuple[int, ...]
    mig: tuple[float, ...]
    gaps: dict[str, float]
    """Factor → the lead of the best variable over the second, relative to the factor's entropy."""
    places: dict[str, str]
    """Factor → the group that knows most about it, and how many nats; empty before evaluation."""


def read(folder: Path) -> Trained | None:
    """Return a run, or None for a folder that has no MIG, of a validation or of the end."""
    if not (folder / "metrics.jsonl").is_file():
        return None
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records: list[dict[str, Any]] = [r for r in map(json.loads, lines) if SCORE in r]
    records += final(folder)
    if not records:
        return None
    config = yaml.safe_load((folder / "config.yaml").read_text())
    return Trained(
        seed=config["seed"],
        setting=setting(config),
        steps=tuple(r["step"] for r in records),
        mig=tuple(r[SCORE] for r in records),
        gaps={factor: records[-1][f"{SCORE}/{factor}"] for factor in SHOWN},
        places=places(folder / "summary.json"),
    )


def final(folder: Path) -> list[dict[str, Any]]:
    """Return the scores of a finished run as a record of its last step; none before the end."""
    if not (folder / "scores.json").is_file():
        return []
    found = json.loads((folder / "scores.json").read_text())
    scores = found["scores"].get("mean/mig", {}).get("scores", {})
    return [{"step": found["of"]["step"], **{f"validation/scores/mean/{n}": v
             for n, v in scores.items()}}] if scores else []  # fmt: skip


def setting(config: dict[str, Any]) -> str:
    """Return what the compared runs differ in, in a few words."""
    network = config["architecture"]
    words = [network["name"], "-".join(map(str, network.get("widths", [])))]
    sizes = f"{config['batch_size']} images, {config['prior']['dimensions']} variables"
    return f"{' '.join(filter(None, words))}, {sizes}"


def places(summary: Path) -> dict[str, str]:
    """Return of each factor the group that knows most about it, and how many nats."""
    if not summary.is_file():
        return {}
    known = json.loads(summary.read_text())["information"].get("factor", {})
    best = {f: max(known, key=lambda group, f=f: known[group][f]) for f in SHOWN} if known else {}
    return {factor: f"{group} ({known[group][factor]:.2f})" for factor, group in best.items()}


def rows(runs: Iterable[Trained]) -> Iterable[str]:
    """Yield the lines of the table, a row per run and their medians per setting."""
    runs = sorted(runs, key=lambda run: (run.setting, run.seed))
    names = ("setting", "seed", "steps", "MIG", *SHOWN, *(f"{each} sits in" for each in SHOWN))
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for run in runs:
        figures = " | ".join(f"{run.gaps[factor]:.2f}" for factor in SHOWN)
        sits = " | ".join(run.places.get(factor, "") for factor in SHOWN)
        row = f"{run.setting} | {run.seed} | {run.steps[-1]} | {run.mig[-1]:.2f}"
        yield f"| {row} | {figures} | {sits} |"
    for name in sorted({run.setting for run in runs}):
        alike = [run for run in runs if run.setting == name]
        middle = [statistics.median(run.gaps[factor] for run in alike) for factor in SHOWN]
        mig = statistics.median(run.mig[-1] for run in alike)
        figures = " | ".join(f"{value:.2f}" for value in middle)
        yield f"| {name} | median of {len(alike)} | | {mig:.2f} | {figures} | | | |"


def draw(runs: Iterable[Trained]) -> Figure:
    """Return the MIG over the steps of training, a line per run."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes: Axes = figure.add_subplot()
    colours: dict[str, str] = {}
    for run in sorted(runs, key=lambda run: (run.setting, run.seed)):
        label = None if run.setting in colours else run.setting
        colour = colours.setdefault(run.setting, f"C{len(colours)}")
        axes.plot(run.steps, run.mig, color=colour, marker=".", label=label)
    axes.set(xlabel="step", ylabel="MIG", ylim=(0, None), xlim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Print the table and write the figure."""
    runs = [run for folder in sys.argv[1:] if (run := read(Path(folder))) is not None]
    print("\n".join(rows(runs)))  # noqa: T201
    FIGURES.mkdir(parents=True, exist_ok=True)
    draw(runs).savefig(FIGURES / "first_run_mig.png", dpi=90)


if __name__ == "__main__":
    main()
