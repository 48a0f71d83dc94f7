"""Time of each score with the settings of a preset, compared with a reference implementation.

    python tests/benchmarks/metric_speed.py
    python tests/benchmarks/metric_speed.py --without dci downstream_logistic
    python tests/benchmarks/metric_speed.py --only infom infoe dci_es --processor
    python tests/benchmarks/metric_speed.py --metrics fast

The codes have the grid of dSprites and ten dimensions that mix the factors. The reference
implementations are those of ``tests/unit/metric/``: the definitions with scikit-learn on one core,
without caching. Both run in this process, one after the other, on the same codes; times are wall
clock times, or with ``--processor`` those of the processor, which other processes change less. A
score without a reference implementation has "-" in its place.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from rich.console import Console

from runner import config
from runner.metric import Codes, compute, stream

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "metric"))
import oracles_histogram
import oracles_learned

SIZES = (3, 6, 40, 32, 32)


def grid_codes() -> Codes:
    """Return codes of all images: mixtures of the factors; three dimensions vary little.

    Two dimensions each are a group.
    """
    factors = np.array(list(product(*(range(size) for size in SIZES))))
    source = np.random.default_rng(0)
    codes = (factors / SIZES) @ source.normal(size=(len(SIZES), 10))
    codes += 0.1 * source.normal(size=codes.shape)
    codes[:, 7:] *= 0.01
    pairs = {f"pair_{i}": [f"z_{2 * i}", f"z_{2 * i + 1}"] for i in range(5)}
    return Codes.of(codes, factors, groups=pairs, complete=True)


def reference(codes: Codes, name: str, settings: Mapping[str, Any]) -> Callable[[], object] | None:
    """Return a function that runs the reference implementation of a score, or None without one."""
    source = stream(0, name)
    drawn = codes.sample(settings.get("samples", 10_000), source)
    train, test = (
        codes.split(settings.get("train", 1), settings.get("test", 1), source)
        if (isinstance(settings.get("train"), int))
        else (drawn, drawn)
    )
    pair = [(part.codes_MD, part.factors_MF) for part in (train, test)]
    histogram, learned = oracles_histogram, oracles_learned
    everything = codes.codes_ND, codes.factors_NF
    return {
        "beta_vae": lambda: learned.beta_vae(*everything, **settings, seed=0),
        "factor_vae": lambda: learned.factor_vae(*everything, **settings, seed=0),
        "mig": lambda: histogram.mig(drawn.codes_MD, drawn.factors_MF),
        "modularity": lambda: histogram.modularity(drawn.codes_MD, drawn.factors_MF),
        "explicitness": lambda: histogram.explicitness(*pair),
        "sap": lambda: histogram.sap(*pair),
        "irs": lambda: histogram.irs(drawn.codes_MD, drawn.factors_MF),
        "unsupervised": lambda: histogram.unsupervised(drawn.codes_MD),
        "hoyer_sparsity": lambda: histogram.hoyer(drawn.codes_MD),
        "dci": lambda: learned.dci(train, test, range(len(SIZES))),
        "eastwood_williams": lambda: learned.eastwood_williams(train, test),
        "downstream_logistic": lambda: [
            learned.downstream_logistic(*codes.split(size, settings["test"], source))
            for size in settings["train"]
        ],
    }.get(name)  # fmt: skip


def timed(job: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    job()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", nargs="*", default=[], metavar="SCORE")
    parser.add_argument("--only", nargs="*", default=[], metavar="SCORE")
    parser.add_argument("--processor", action="store_true")
    parser.add_argument("--metrics", default="reference", metavar="PRESET")
    given = parser.parse_args()
    clock = time.process_time if given.processor else time.perf_counter
    warnings.simplefilter("ignore", UserWarning)  # solvers that stop at their step limit
    codes = grid_codes()
    chosen = config.metrics(given.metrics, [])
    console = Console()
    console.print(
        f"{joblib.cpu_count()} cores, scikit-learn {sklearn.__version__}; seconds\n\n"
        "| score | plain | vaerun | ratio |\n|---|---|---|---|"
    )
    for name in vars(chosen):
        settings = getattr(chosen, name)
        if name in given.without or (given.only and name not in given.only):
            continue
        if not hasattr(settings, "__dataclass_fields__"):
            continue
        values = asdict(settings)
        job = reference(codes, name, values)
        if job is None and not given.only:
            continue
        ours = partial(compute, name, codes, factor="factor_0", seed=0, settings=values)
        slow = timed(job, clock) if job else None
        fast = timed(ours, clock)
        plain, ratio = (f"{slow:.2f}", f"{slow / fast:.1f}") if slow is not None else ("-", "-")
        console.print(f"| {name} | {plain} | {fast:.2f} | {ratio} |", soft_wrap=True)


if __name__ == "__main__":
    main()
