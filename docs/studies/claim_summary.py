"""Print what all runs of the claim say, a line per dataset, posterior and form, from their CSV.

    python docs/studies/claim_summary.py

Reads every run of ``claim.csv``, and those of ``concrete_latents.csv`` that have a reward of 20 and
no memory bank, with an independent posterior and exact sums. A line has I(label; c) -
I(label; style) of HFVAE (beta=12, gamma=4) and of beta-VAE with one beta, mean ± half of Student's
95 % interval over the seeds that both have; then HFVAE less beta-VAE, seed by seed, for this and
for the reconstruction. A star stands where the interval leaves out 0. Rows without one of the two
objectives are left out.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from claim_runs import in_words
from seed_intervals import interval

HERE = Path(__file__).parent
HFVAE, BETA_VAE = "hfvae beta=12 gamma=4", "beta_vae beta="
HEADS = ("posterior", "estimates", "dataset", "length", "seeds", "β of β-VAE", "HFVAE", "β-VAE",
         "HFVAE less β-VAE", "reconstruction, HFVAE less β-VAE")  # fmt: skip


class Row(NamedTuple):
    """What the runs of a line share, in the order of the table."""

    posterior: str
    form: str
    dataset: str
    length: str


class Found(NamedTuple):
    """What is read of a run, in nats."""

    difference: float
    reconstruction: float


Runs = Mapping[Row, Mapping[str, Mapping[int, Found]]]
"""By row, objective with its weights, and seed."""


def read() -> Runs:
    """Return the runs of both files."""
    runs: dict[Row, dict[str, dict[int, Found]]] = defaultdict(lambda: defaultdict(dict))
    for line in _lines("claim.csv"):
        row = Row(line["posterior"], line["form"], line["dataset"], line["length"])
        found = Found(float(line["their difference"]), float(line["reconstruction"]))
        runs[row][f"{line['objective']} {line['weights']}"][int(line["seed"])] = found
    for line in _lines("concrete_latents.csv"):
        if (line["reward"], line["encodings"]) == ("20", "128"):
            row = Row("independent", "exact with reward 20", line["dataset"], "20 epochs")
            difference = float(line["I(label; c)"]) - float(line["I(label; style)"])
            found = Found(difference, float(line["reconstruction"]))
            runs[row][line["objective"]][int(line["seed"])] = found
    return runs


def _lines(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def table(runs: Runs) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"| {' | '.join(HEADS)} |"
    yield f"| {' | '.join(['---'] * len(HEADS))} |"
    for row, by_objective in sorted(runs.items()):
        others = {
            float(name.removeprefix(BETA_VAE)): found
            for name, found in by_objective.items()
            if name.startswith(BETA_VAE)
        }
        for beta, found in sorted(others.items()):
            if cells := _compared(by_objective.get(HFVAE, {}), found, beta):
                shown = [in_words(cell) for cell in row]
                yield f"| {' | '.join([*shown, *cells])} |"


def _compared(first: Mapping[int, Found], second: Mapping[int, Found], beta: float) -> list[str]:
    """Return the cells of HFVAE's and beta-VAE's runs, none where they share no seed."""
    if not (common := sorted(first.keys() & second.keys())):
        return []
    gaps = [
        interval([of(first[seed]) - of(second[seed]) for seed in common])
        for of in (lambda found: found.difference, lambda found: found.reconstruction)
    ]
    each = [interval([part[seed].difference for seed in common]) for part in (first, second)]
    return [str(len(common)), f"{beta:g}", *(found.text() for found in each),
            gaps[0].text(signed=True), gaps[1].text(1, signed=True)]  # fmt: skip


def main() -> None:
    """Print the table."""
    sys.stdout.write("".join(f"{line}\n" for line in table(read())))


if __name__ == "__main__":
    main()
