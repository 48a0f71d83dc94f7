"""Print the beta at which beta-VAE reconstructs as well as HFVAE, from finished runs of both.

    python docs/studies/equal_reconstruction.py outputs/sweep-claim-*

For every row of HFVAE: its mean reconstruction, and the beta between those of the beta-VAE runs of
the same dataset, posterior, form and length at which theirs is the same, by interpolation of log
beta over the reconstruction. Runs of a few epochs suffice, if all have as many. Where several seeds
have all runs, the beta of each seed says how sure it is. ``--epoch N`` takes the validations after
that epoch, of runs of any state.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
from claim_runs import (
    RECONSTRUCTION,
    Row,
    chosen_runs,
    rows_of,
)
from seed_intervals import interval

from runner.comparison.runs import ComparedRun

Rows = Mapping[Row, Mapping[int, ComparedRun]]


def candidates(rows: Rows, row: Row) -> dict[float, dict[int, float]]:
    """Return the reconstruction of beta-VAE by beta and seed, for runs that are else as a row's."""
    found: dict[float, dict[int, float]] = {}
    for other, runs in rows.items():
        alike = row._replace(objective=other.objective, weights=other.weights) == other
        beta = next(iter(runs.values())).settings["beta"]
        if alike and other.objective == "beta_vae" and isinstance(beta, int | float) and beta > 0:
            found[float(beta)] = {s: run.metrics[RECONSTRUCTION] for s, run in runs.items()}
    return dict(sorted(found.items()))


def equal_beta(wanted: float, by_beta: Mapping[float, float]) -> float | None:
    """Return the beta with a reconstruction, or None where it lies outside of those that there are.

    Linear in log beta between the two neighbours; the lowest such beta, should noise make the
    reconstruction fall somewhere as beta grows.
    """
    for low, high in pairwise(by_beta):
        ends = by_beta[low], by_beta[high]
        if ends[0] <= wanted <= ends[1]:
            logs = [math.log(low), math.log(high)]
            return math.exp(float(np.interp(wanted, ends, logs)))
    return None


def sentence(row: Row, own: Mapping[int, float], known: Mapping[float, Mapping[int, float]]) -> str:
    """Return what is found for a row of HFVAE with these reconstructions by seed."""
    wanted = float(np.mean(list(own.values())))
    means = {beta: float(np.mean(list(values.values()))) for beta, values in known.items()}
    where = f"{row.dataset}, {row.posterior}, {row.form}, {row.length}"
    said = f"{where}: HFVAE {row.weights} reconstructs at {wanted:.1f} nats"
    seen = ", ".join(f"{mean:.1f} at {beta:g}" for beta, mean in means.items())
    beta = equal_beta(wanted, means)
    if beta is None:
        return f"{said}, which is not between beta-VAE's ({seen or 'there are no runs'})"
    seeds = [s for s in own if all(s in values for values in known.values())]
    single = [equal_beta(own[s], {b: values[s] for b, values in known.items()}) for s in seeds]
    sure = [each for each in single if each is not None]
    spread = f"; by seed {interval(sure).text()}" if len(sure) > 1 else ""
    return f"{said}, beta-VAE at beta={beta:.2f} ({seen}{spread})"


def sentences(rows: Rows) -> Iterator[str]:
    """Yield a sentence per row of HFVAE."""
    for row, runs in rows.items():
        if row.objective == "hfvae":
            own = {seed: run.metrics[RECONSTRUCTION] for seed, run in runs.items()}
            yield sentence(row, own, candidates(rows, row))


def main() -> None:
    """Print what the folders on the command line say."""
    rows = rows_of(chosen_runs(sys.argv[1:], "The beta at which beta-VAE is as good as HFVAE."))
    if not (found := list(sentences(rows))):
        raise SystemExit("error: no such run of HFVAE with a Concrete variable and labels")
    sys.stdout.write("".join(f"{each}\n" for each in found))


if __name__ == "__main__":
    main()
