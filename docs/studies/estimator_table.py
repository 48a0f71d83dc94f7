"""Measure what the minibatch estimate of q(z) does to each term; write it as Markdown and CSV.

    python docs/studies/estimator_table.py [RUN_DIR ...]

Two toys whose correlations are known, and the training images of every run folder given. The exact
aggregate posterior is that of all N encodings of a case. An estimate and the exact term are taken
over the same draws, so that their difference is free of the noise which both have in common.

``estimator.md`` and ``estimator.csv`` are written beside this file. What stands in the former below
the line that says so is written by hand, and kept.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from estimator_bias import (
    IMAGES,
    MINIBATCHES,
    TERMS,
    TOY_BETWEEN,
    TOY_DIMENSIONS,
    TOY_GROUP,
    TOY_IMAGES,
    TOY_SCALES,
    TOY_WITHIN,
    WALK,
    Case,
    Row,
    measure,
    toy,
    trained,
)

_BY_HAND = "<!-- What stands below this line is written by hand and kept. -->"


def render(cases: list[Case], rows: list[Row]) -> str:
    """Return the Markdown: how it was measured, what the numbers say, and the table."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## In numbers",
            "",
            *[f"- {' '.join(_sentences(case, rows))}" for case in cases],
            "",
            "## Bias ± spread",
            "",
            *_table(cases, rows),
            "",
            "Every figure, with its standard error, is in [estimator.csv](estimator.csv).",
            "",
        ]
    )


_INTRODUCTION = f"""\
# What the minibatch estimate of q(z) does to each term

Written by `python docs/studies/estimator_table.py RUN_DIR`, in nats, from {MINIBATCHES}
minibatches a row. Exact is q(z) over all N encodings of a case. **Bias** is the mean difference
from the exact term over the same draws. The number after ± is the **spread**, the standard
deviation of the estimate from minibatch to minibatch; it includes the noise of the draws. A
minibatch has B images; with a memory bank M encodings make q(z) of groups and of all variables,
else M = B; q(z_v) of a single variable is always that of the minibatch. An estimate from M = N
encodings has no error, so compare M with N.

The toy: N = {TOY_IMAGES:,} encodings N(mu, s²) in {TOY_DIMENSIONS} dimensions, in groups of
{TOY_GROUP}; the means are standard normal, correlated by {TOY_WITHIN:g} within a group and by
{TOY_BETWEEN:g} between groups. A trained model: up to {IMAGES:,} of its training images.

A **fresh** bank holds encodings of the present encoder. A **stale** one imitates what a bank holds
while training: a minibatch came in at every step, and since a step t steps ago the means have moved
by {WALK:g} s √t (root mean square) along a random affine function of themselves.
"""


def _table(cases: list[Case], rows: list[Row]) -> Iterator[str]:
    yield from (f"| {' | '.join(cells)} |" for cells in _header())
    for case in cases:
        mine = [row for row in rows if row.case == case.name]
        if case.limit:
            yield _line(case.name, "| | N → ∞", [f"{case.limit[term]:.2f}" for term in TERMS])
        exact = {row.term: row.exact for row in mine}
        yield _line(case.name, "| | **exact**", [f"**{exact[term]:.2f}**" for term in TERMS])
        for key in dict.fromkeys((row.batch, row.encodings, row.bank) for row in mine):
            batch, encodings, bank = key
            cells = [
                f"{_signed(row.bias)} ± {row.spread:.2f}"
                for row in mine
                if (row.batch, row.encodings, row.bank) == key
            ]
            yield _line(case.name, f"{batch} | {encodings} | {bank}", cells)


def _header() -> Iterator[list[str]]:
    titles = ["case", "B", "M", "bank", *(f"`{term}`" for term in TERMS)]
    yield titles
    yield ["---"] * len(titles)


def _line(case: str, which: str, cells: list[str]) -> str:
    return f"| {case} | {which} | {' | '.join(cells)} |"


def _signed(number: float) -> str:
    return f"{number:+.2f}" if abs(number) >= 0.005 else "0.00"


def _sentences(case: Case, rows: list[Row]) -> Iterator[str]:
    """Yield what the numbers of a case say, computed from them."""
    mine = [row for row in rows if row.case == case.name]
    term = "group_total_correlation"
    found = [row for row in mine if row.term == term]
    alone = [row for row in found if row.bank == "none"]
    small, large = alone[0], alone[-1]
    yield (
        f"**{case.name}**, N = {len(case.numbers_NP):,}: the correlation between groups is "
        f"{small.exact:.2f}; {small.batch} images alone show {small.exact + small.bias:.2f}, "
        f"{large.batch} show {large.exact + large.bias:.2f}."
    )
    worst = max((row for row in mine if row.bank == "none"), key=lambda row: abs(row.bias))
    same = [row for row in mine if (row.batch, row.bank) == (worst.batch, "none")]
    biases = ", ".join(f"`{row.term}` {_signed(row.bias)}" for row in same)
    yield (
        f"At B = {worst.batch} alone the biases are {biases}; they sum to "
        f"{_signed(sum(row.bias for row in same))}, as the terms telescope."
    )
    for row in found:
        if (row.batch, row.bank) == (small.batch, "fresh"):
            yield _with_bank(row, small, len(case.numbers_NP))
        if (row.batch, row.bank) == (small.batch, "stale"):
            steps = row.encodings // row.batch - 1
            yield f"Stale by up to {steps} steps, that bank leaves {_signed(row.bias)}."


def _with_bank(row: Row, alone: Row, images: int) -> str:
    return (
        f"A fresh bank that makes it {row.encodings:,} encodings ({row.encodings / images:.0%} of "
        f"N) takes the bias of the correlation between groups from {_signed(alone.bias)} to "
        f"{_signed(row.bias)} and its spread from {alone.spread:.2f} to {row.spread:.2f}."
    )


def write(cases: list[Case], rows: list[Row]) -> None:
    """Write the Markdown, with what was written by hand kept, and the CSV."""
    page = Path(__file__).with_name("estimator.md")
    before = page.read_text() if page.is_file() else ""
    kept = before.partition(_BY_HAND)[2]
    page.write_text(f"{render(cases, rows)}\n{_BY_HAND}\n{kept.lstrip()}")
    with page.with_suffix(".csv").open("w", newline="") as file:
        table = csv.writer(file)
        keys = ["case", "bank", "B", "encodings M", "term"]
        table.writerow([*keys, "exact", "bias", "bias_error", "spread", "spread_exact"])
        for row in rows:
            *words, exact, bias, error, spread, spread_exact = vars(row).values()
            numbers = (exact, bias, error, spread, spread_exact)
            table.writerow([*words, *(f"{number:.4f}" for number in numbers)])


@torch.no_grad()
def main() -> None:
    """Measure the toys and the runs on the command line; write both files."""
    cases = [*(toy(scale) for scale in TOY_SCALES), *(trained(Path(w)) for w in sys.argv[1:])]
    write(cases, [row for case in cases for row in measure(case)])


if __name__ == "__main__":
    main()
