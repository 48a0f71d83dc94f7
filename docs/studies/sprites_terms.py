"""Write the table and figure of the term that each objective lowers on sprites, from finished runs.

    python docs/studies/sprites_terms.py outputs/sprites/*/*

Each run is shown by the term or penalty that its paper weighs, against its reconstruction, beside
plain VAEs. Writes ``docs/studies/sprites_terms.csv``, ``docs/studies/sprites_terms.md`` and
``docs/figures/sprites_terms.png``.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"
Summary = dict[str, Any]


def total_correlation(summary: Summary) -> float:
    """Return the correlation between all variables, in nats."""
    terms = summary["terms"]
    return terms["group_total_correlation"] + terms["within_group_total_correlation"]


@dataclass(frozen=True)
class Claim:
    """What an objective lowers (or raises) by its paper, and the weight that controls it."""

    title: str
    figure: Callable[[Summary], float]
    strength: str
    lowers: bool = True


CLAIMS = {
    "beta_vae": Claim("rate", lambda s: s["rate"], "beta"),
    "annealed_vae": Claim("distance of the rate from 10", lambda s: abs(s["rate"] - 10), "gamma"),
    "beta_tcvae": Claim("total correlation", total_correlation, "beta"),
    "factor_vae": Claim("total correlation", total_correlation, "gamma"),
    "hfvae": Claim(
        "correlation between groups", lambda s: s["terms"]["group_total_correlation"], "beta"
    ),
    "information_dropout": Claim("total correlation", total_correlation, "gamma"),
    "dip_vae_i": Claim(
        "covariance of means from I", lambda s: s["distances"]["covariance_of_means"], "beta"
    ),
    "dip_vae_ii": Claim(
        "covariance of codes from I", lambda s: s["distances"]["covariance_of_codes"], "beta"
    ),
    "info_vae": Claim("MMD", lambda s: s["distances"]["mmd"], "beta"),
    "decomposition": Claim(
        "dimension-wise MMD", lambda s: s["distances"]["dimension_wise_mmd"], "alpha"
    ),
    "corex": Claim(
        "information of the first group",
        lambda s: next(iter(s["information"]["group"].values())),
        "alpha",
        lowers=False,
    ),
}


@dataclass(frozen=True)
class Run:
    """A finished run."""

    objective: str
    strength: float
    seed: int
    summary: Summary


def read(folders: Iterable[Path]) -> list[Run]:
    """Return the finished runs of these folders; others are skipped."""
    runs: list[Run] = []
    for folder in folders:
        status, summary = folder / "status.json", folder / "summary.json"
        if not summary.is_file() or json.loads(status.read_text())["state"] != "finished":
            continue
        config = yaml.safe_load((folder / "config.yaml").read_text())
        objective = config["objective"]["name"]
        claim = CLAIMS.get(objective)
        strength = float(config[claim.strength]) if claim else 1.0
        runs.append(Run(objective, strength, config["seed"], json.loads(summary.read_text())))
    return sorted(runs, key=lambda run: (run.objective, abs(run.strength), run.seed))


def rows(runs: list[Run]) -> list[dict[str, Any]]:
    """Return a row per run: the quantity that its paper weighs, beside that of plain VAEs."""
    plain = [run for run in runs if run.objective == "vae"]
    found: list[dict[str, Any]] = []
    for run in (run for run in runs if run.objective in CLAIMS):
        claim = CLAIMS[run.objective]
        ruler = [claim.figure(vae.summary) for vae in plain]
        value = claim.figure(run.summary)
        beaten = value < min(ruler) if claim.lowers else value > max(ruler)
        found.append(
            {
                "objective": run.objective,
                "strength": f"{claim.strength}={run.strength:g}",
                "figure": claim.title,
                "value": value,
                "vae": sum(ruler) / len(ruler),
                "as claimed": "yes" if beaten else "no",
                "reconstruction": run.summary["terms"]["reconstruction"],
                "vae reconstruction": sum(v.summary["terms"]["reconstruction"] for v in plain)
                / len(plain),
            }
        )
    return found


def draw(runs: list[Run]) -> Figure:
    """Return a panel per objective: the quantity that it weighs, against reconstruction."""
    plain = [run for run in runs if run.objective == "vae"]
    figure = Figure(figsize=(12, 9), layout="constrained")
    panels = figure.subplots(3, 4).flat
    for (name, claim), axes in zip(CLAIMS.items(), panels, strict=False):
        own = [run for run in runs if run.objective == name]
        _panel(axes, claim, own, plain)
        axes.set_title(f"{name}, by {claim.strength}", loc="left", fontsize=10)
    for axes in list(panels):
        axes.set_axis_off()
    figure.supxlabel("reconstruction, nats (left is better)", fontsize=10)
    return figure


def _panel(axes: Axes, claim: Claim, own: list[Run], plain: list[Run]) -> None:
    for runs, colour, label in ((plain, "#888888", "vae"), (own, "#1f77b4", None)):
        xs = [run.summary["terms"]["reconstruction"] for run in runs]
        ys = [claim.figure(run.summary) for run in runs]
        line = "-" if runs is own else ""
        axes.plot(xs, ys, "o", linestyle=line, color=colour, markersize=5, label=label)
    for i, run in enumerate(own):
        place = (run.summary["terms"]["reconstruction"], claim.figure(run.summary))
        above = (0, 6) if i % 2 == 0 else (0, -13)  # neighbours do not cover each other
        text = f"{run.strength:g}"
        axes.annotate(text, place, above, textcoords="offset points", fontsize=8, ha="center")
    axes.set_ylabel(claim.title, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.margins(0.2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="best", handletextpad=0.2)


def table(found: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [f"| {' | '.join(found[0])} |", "|" + "---|" * len(found[0])]
    for row in found:
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write table, rows and figure of the folders named on the command line."""
    runs = read(Path(word) for word in sys.argv[1:])
    found = rows(runs)
    with (HERE / "sprites_terms.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    (HERE / "sprites_terms.md").write_text(
        "Written by `python docs/studies/sprites_terms.py RUN_DIR …`; the commands of the runs\n"
        "are in the [study](README.md).\n\n" + table(found)
    )
    draw(runs).savefig(FIGURES / "sprites_terms.png", dpi=90)


if __name__ == "__main__":
    main()
