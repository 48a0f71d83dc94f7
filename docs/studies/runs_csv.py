"""A file of the figures of runs, a line for each, to which later runs are added."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Runs = Mapping[int, Mapping[str, float]]
"""The figures of runs by name, by seed."""


def read(path: Path, heads: Sequence[str]) -> dict[tuple[str, ...], dict[int, Mapping[str, float]]]:
    """Return the runs of a file by what stands under ``heads``; none without a file.

    A figure that a run lacks is not among its figures.
    """
    found: dict[tuple[str, ...], dict[int, Mapping[str, float]]] = defaultdict(dict)
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                key = tuple(line.pop(head) for head in heads)
                seed = int(line.pop("seed"))
                found[key][seed] = {name: float(text) for name, text in line.items() if text}
    return dict(found)


def write(
    path: Path,
    heads: Sequence[str],
    rows: Iterable[tuple[Sequence[object], Runs]],
    figures: Sequence[str],
    text: Callable[[float], str] = str,
) -> None:
    """Write the named figures of every run, a column for each of ``heads``, the seed and them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*heads, "seed", *figures])
        for key, runs in rows:
            for seed, run in sorted(runs.items()):
                cells = [text(run[name]) if name in run else "" for name in figures]
                table.writerow([*key, seed, *cells])
