"""Print the tables of the claim about HFVAE from finished runs, and write every run as CSV.

    python docs/studies/claim_table.py outputs/sweep-claim-*
    python docs/studies/claim_table.py --epoch 20 outputs/sweep-claim-*

The claim: HFVAE puts the label into the Concrete variable c and leaves the style without it, and
beta-VAE does not. Runs that differ in their seeds alone are a row: mean ± half of Student's 95 %
interval over the seeds; of one seed, that of its estimate alone where the run has standard errors.
The second table has HFVAE less beta-VAE, seed by seed, for every two rows that differ in the
objective alone; a star stands where the interval leaves out 0. With ``--epoch`` the figures are
those of the validation after it, of runs of any state (``validation.information=true``), and are
printed only. The CSV is ``docs/studies/claim.csv``, in which the lines of other rows stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from claim_runs import (
    DIFFERENCE,
    FIGURES,
    LABEL_IN_C,
    LABEL_IN_STYLE,
    RECONSTRUCTION,
    VALIDATED,
    Row,
    chosen_runs,
    figure,
    in_words,
    other_rows,
    rows_of,
    write_rows,
)
from seed_intervals import Estimate, interval

from runner.comparison.runs import ComparedRun

HERE = Path(__file__).parent

Runs = Mapping[int, ComparedRun]

HEADS = ("dataset", "posterior", "objective", "form", "length", "seeds")


def standard_error(run: ComparedRun, name: str) -> float | None:
    """Return the standard error of a figure of one run, where its summary has it.

    That of the difference takes its two parts as independent.
    """
    if name == DIFFERENCE:
        parts = [standard_error(run, part) for part in (LABEL_IN_C, LABEL_IN_STYLE)]
        return None if None in parts else sum(part**2 for part in parts if part) ** 0.5
    if run.state == VALIDATED:
        return None
    found: Any = json.loads((run.path / "summary.json").read_text()).get("standard_errors", {})
    for part in name.split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def estimate(runs: Runs, name: str) -> Estimate | None:
    """Return the mean of a figure over the seeds that have it, or None where none has."""
    known = {s: v for s, run in runs.items() if (v := figure(run.metrics, name)) is not None}
    if not known:
        return None
    alone = standard_error(runs[next(iter(known))], name) if len(known) == 1 else None
    return interval(list(known.values()), alone)


def difference(first: Runs, second: Runs, name: str) -> Estimate | None:
    """Return the first row's figure less the second's over common seeds, or None without any."""
    gaps: list[float] = []
    for seed in first.keys() & second.keys():
        one, other = figure(first[seed].metrics, name), figure(second[seed].metrics, name)
        if one is not None and other is not None:
            gaps.append(one - other)
    return interval(gaps) if gaps else None


def places(name: str) -> int:
    """Return the decimals of a figure."""
    return 1 if name == RECONSTRUCTION else 2


def cell(found: Estimate | None, name: str, *, signed: bool = False) -> str:
    """Return the text of an estimate, with a star at a difference that is not 0."""
    return "—" if found is None else found.text(places(name), signed=signed)


def known_figures(rows: Mapping[Row, Runs]) -> list[str]:
    """Return the figures that any run has."""
    runs = [run for each in rows.values() for run in each.values()]
    return [name for name in FIGURES if any(figure(r.metrics, name) is not None for r in runs)]


def table(rows: Mapping[Row, Runs]) -> Iterator[list[str]]:
    """Yield the cells of a line per row, heads first."""
    names = known_figures(rows)
    yield [*HEADS, *(FIGURES[name] for name in names)]
    for row, runs in rows.items():
        cells = [cell(estimate(runs, name), name) for name in names]
        objective = f"{row.objective} {row.weights}"
        shared = [row.dataset, row.posterior, objective, row.form, row.length]
        yield [*map(in_words, shared), str(len(runs)), *cells]


def pairs(rows: Mapping[Row, Runs]) -> Iterator[tuple[Row, Row]]:
    """Yield every row of HFVAE with each of beta-VAE that differs in the objective alone."""
    for row in rows:
        for other in rows:
            alike = row._replace(objective=other.objective, weights=other.weights) == other
            if alike and (row.objective, other.objective) == ("hfvae", "beta_vae"):
                yield row, other


def differences(rows: Mapping[Row, Runs]) -> Iterator[list[str]]:
    """Yield the cells of a line per pair of rows, heads first."""
    names = known_figures(rows)
    yield ["dataset", "posterior", "form", "length", "HFVAE", "less beta-VAE", "seeds",
           *(FIGURES[name] for name in names)]  # fmt: skip
    for row, other in pairs(rows):
        first, second = rows[row], rows[other]
        cells = [cell(difference(first, second, name), name, signed=True) for name in names]
        common = len(first.keys() & second.keys())
        shared = [row.dataset, row.posterior, row.form, row.length]
        yield [*map(in_words, shared), row.weights, other.weights, str(common), *cells]


def markdown(lines: Iterator[list[str]]) -> str:
    """Return lines of cells as a Markdown table, empty where there are only heads."""
    heads, *body = lines
    if not body:
        return ""
    every: Sequence[Sequence[str]] = [heads, ["---"] * len(heads), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in every)


def write(rows: Mapping[Row, Runs], path: Path) -> None:
    """Write a line per run, with every figure; lines of other rows stay."""
    heads = [*Row._fields, "seed", *FIGURES.values()]
    lines = other_rows(path, heads, rows)
    for row, runs in rows.items():
        lines[row] = []
        for seed, run in runs.items():
            values = [figure(run.metrics, name) for name in FIGURES]
            cells = [*row, str(seed), *("" if v is None else f"{v:.6g}" for v in values)]
            lines[row].append(dict(zip(heads, cells, strict=True)))
    write_rows(path, heads, lines)


def main() -> None:
    """Print both tables of the folders on the command line, and write ``claim.csv``."""
    runs = chosen_runs(sys.argv[1:], "The tables of the claim about HFVAE.")
    rows = rows_of(runs)
    if not rows:
        raise SystemExit("error: no such run with a Concrete variable and labels")
    tables = [markdown(table(rows)), markdown(differences(rows))]
    sys.stdout.write("\n".join(filter(None, tables)))
    if not any(run.state == VALIDATED for run in runs):
        write(rows, HERE / "claim.csv")


if __name__ == "__main__":
    main()
