"""Bias and spread of the estimate of q(z) by the weights of its encodings, of trained models.

    python docs/studies/encoding_weights_bias.py IMAGES RUN_DIR [RUN_DIR ...]

The exact q(z) is that of IMAGES training images of a run, or of all that there are. Estimates and
exact terms are taken over the same draws. A bank holds encodings of the present encoder, other than
the minibatch's. The table is printed; every figure is written to ``encoding_weights_bias.csv``.

Shapes: N encodings of a case, M behind an estimate, D draws, B of a minibatch, K places of a bank,
P numbers from the encoder, W columns of z, T terms, R minibatches.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from estimator_bias import TERMS, Case, trained
from torch import Tensor

from runner.objective import (
    EncodingWeights,
    decompose,
    equal_weights,
    equal_weights_with_bank,
    mixture_weights,
    weights_with_bank,
)

BATCHES = (64, 128, 512, 1024)
BANKS = (0, 1024, 4096, 16384)
WEIGHTS = ("stratified", "equal")
DRAWS = 2048
MOST_MINIBATCHES = 16
_LEAST = min(BATCHES)


@dataclass(frozen=True)
class Row:
    """One term of one case under one estimate, in nats."""

    case: str
    weights: str
    batch: int
    bank: int
    term: str
    exact: float
    bias: float
    bias_error: float
    """Standard error of the bias."""
    spread: float
    """Standard deviation of the estimate from minibatch to minibatch."""


def measure(case: Case) -> Iterator[Row]:
    """Yield the rows of a case."""
    source = torch.Generator().manual_seed(1000)
    draws = min(DRAWS, len(case.numbers_NP))
    noise_DW = case.latents.noise(draws, source)
    z_DW = case.latents.sample(case.numbers_NP[:draws], noise_DW)
    exact_PT = exact(case, z_DW)
    for batch in BATCHES:
        for bank in (bank for bank in BANKS if batch + bank <= len(case.numbers_NP)):
            starts = range(0, draws - batch + 1, batch)[:MOST_MINIBATCHES]
            true_RT = torch.stack(
                [exact_PT[i // _LEAST : (i + batch) // _LEAST].mean(0) for i in starts]
            )
            held = [_held(case, i, batch, bank) for i in starts]
            for weights in WEIGHTS:
                chosen = choose(weights, batch, bank, len(case.numbers_NP))
                found_RT = torch.stack(
                    [
                        _terms(case, z_DW[i : i + batch], encodings_MP, chosen)
                        for i, encodings_MP in zip(starts, held, strict=True)
                    ]
                )
                head = (case.name, weights, batch, bank)
                yield from _rows(head, exact_PT.mean(0), found_RT, true_RT)


def exact(case: Case, z_DW: Tensor) -> Tensor:
    """Return the terms of every few draws under all encodings, (pieces, T)."""
    images = len(case.numbers_NP)
    weights = mixture_weights(images, images, like=z_DW)
    parts = zip(range(0, len(z_DW), _LEAST), z_DW.split(_LEAST), strict=True)
    return torch.stack(
        [_terms(case, z_BW, case.numbers_NP, weights.for_rows(i)) for i, z_BW in parts]
    )


def choose(weights: str, batch: int, bank: int, images: int) -> EncodingWeights:
    """Return weights of a minibatch and a full bank."""
    like = torch.zeros(())
    if weights == "equal":
        if bank:
            return equal_weights_with_bank(batch, torch.ones(bank))
        return equal_weights(batch, like=like)
    if bank:
        return weights_with_bank(batch, torch.ones(bank), images)
    return mixture_weights(batch, images, like=like)


def _held(case: Case, start: int, batch: int, bank: int) -> Tensor:
    """Return the encodings of a minibatch and, after them, of a bank of other images, (M, P)."""
    own_BP = case.numbers_NP[start : start + batch]
    source = torch.Generator().manual_seed(1 + start)
    images_M = torch.randperm(len(case.numbers_NP), generator=source)[: batch + bank]
    is_other_M = (images_M < start) | (images_M >= start + batch)
    return torch.cat([own_BP, case.numbers_NP[images_M[is_other_M][:bank]]])


def _terms(case: Case, z_BW: Tensor, encodings_MP: Tensor, weights: EncodingWeights) -> Tensor:
    """Return the terms of some samples, (T,), whose own encodings are where the weights say."""
    own_BP = encodings_MP[weights.first : weights.first + len(z_BW)]
    densities = case.latents.densities(z_BW, own_BP, encodings_MP, pairs=False)
    terms = decompose(densities, z_BW.new_zeros(()), weights).terms
    return torch.stack([getattr(terms, name) for name in TERMS])


def _rows(
    head: tuple[str, str, int, int], truth_T: Tensor, found_RT: Tensor, true_RT: Tensor
) -> Iterator[Row]:
    bias_RT = found_RT - true_RT
    error_T = bias_RT.std(0) / math.sqrt(len(bias_RT))
    figures_T4 = torch.stack([truth_T, bias_RT.mean(0), error_T, found_RT.std(0)], 1)
    for term, values in zip(TERMS, figures_T4.tolist(), strict=True):
        yield Row(*head, term, *values)


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table: the exact terms, and bias ± spread of each estimate."""
    titles = ["case", "weights", "B", "bank", *(f"`{term}`" for term in TERMS)]
    yield from (_line(titles), _line(["---"] * len(titles)))
    for case in dict.fromkeys(row.case for row in rows):
        mine = [row for row in rows if row.case == case]
        exact_of = {row.term: row.exact for row in mine}
        yield _line([case, "**exact**", "", "", *(f"**{exact_of[t]:.2f}**" for t in TERMS)])
        for key in dict.fromkeys((row.weights, row.batch, row.bank) for row in mine):
            cells = [
                f"{row.bias:+.2f} ± {row.spread:.2f}"
                for row in mine
                if (row.weights, row.batch, row.bank) == key
            ]
            yield _line([case, *map(str, key), *cells])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(rows: list[Row]) -> None:
    """Write every figure."""
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(
            ["case", "weights", "B", "bank", "term", "exact", "bias", "bias_error", "spread"]
        )
        for row in rows:
            lines.writerow([f"{v:.4f}" if isinstance(v, float) else v for v in vars(row).values()])


@torch.no_grad()
def main() -> None:
    """Measure the runs on the command line."""
    images, *folders = sys.argv[1:]
    cases = [trained(Path(folder), int(images)) for folder in folders]
    rows = [row for case in cases for row in measure(case)]
    write(rows)
    sys.stdout.write("\n".join([*table(rows), ""]))


if __name__ == "__main__":
    main()
