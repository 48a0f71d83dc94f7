"""Speed of runs that train together, compared with the same runs one after the other.

    python tests/benchmarks/packed_speed.py --threads 1 --seconds 1 --rounds 5
    python tests/benchmarks/packed_speed.py --device cuda --runs 1 16 64

All candidates alternate in one process: ``alone`` takes a step of each run in turn, and the others
are the forms of ``runner.training.packed``. The table has the median milliseconds of a step of one
run, CPU time on a CPU (``--clock wall``: time that has passed) and time that has passed on a GPU,
and in brackets the median over the rounds of ``alone`` divided by it: above 1, packing is faster.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import get_args

import torch
from hydra import compose, initialize_config_dir
from rich.console import Console

from runner import config as settings
from runner.config import RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit
from runner.model import build
from runner.objective import Objective
from runner.training import TrainingState, describe_device, prepare, train
from runner.training.packed import Form, Member, train_pack

_MLP = ("architecture=mlp", "architecture.widths=[400,200]", "prior.dimensions=10")
_CONV = ("architecture=conv64", "batch_size=64", "prior.dimensions=10")
CASES = {
    "mlp, batch 64, vae": (28, (*_MLP, "batch_size=64"), ["vae"]),
    "mlp, batch 64, hfvae": (28, (*_MLP, "batch_size=64"), ["hfvae"]),
    "mlp, batch 128, hfvae": (28, (*_MLP, "batch_size=128"), ["hfvae"]),
    "mlp, batch 128, four objectives": (
        28, (*_MLP, "batch_size=128"), ["vae", "hfvae", "beta_tcvae", "dip_vae_ii"],
    ),
    "mlp, batch 256, hfvae": (28, (*_MLP, "batch_size=256"), ["hfvae"]),
    "conv64, batch 64, hfvae": (64, _CONV, ["hfvae"]),
}  # fmt: skip
"""Case → edge of the images, settings, and the objectives that the runs have in turn."""


def configured(*overrides: str) -> RunConfig:
    settings.register()
    with initialize_config_dir(str(settings.data_root() / "conf"), version_base="1.3"):
        return settings.parse(compose("config", ["dataset=mnist", "steps=100000000", *overrides]))


def images(edge: int, device: torch.device) -> Dataset:
    stored = torch.randint(0, 256, (5_000, 1, edge, edge), dtype=torch.uint8)
    split = ResidentSplit(stored.to(device), torch.zeros(5_000, 1, dtype=torch.long, device=device))
    names = tuple("0123456789")
    factors = (Factor("label", 10),)
    return Dataset("random", split, split, True, factors, (1, edge, edge), "label", names)  # noqa: FBT003


def members(case: str, runs: int, dataset: Dataset, device: torch.device) -> list[Member]:
    _, words, objectives = CASES[case]
    found = []
    for run in range(runs):
        objective = f"objective={objectives[run % len(objectives)]}"
        config = configured(*words, objective, f"seed={run}")
        model = build(config, shape=dataset.shape, classes=dataset.classes).to(device)
        loss = Objective.from_config(config, model.latents.tree, dataset.train.size)
        state = TrainingState.fresh(model, config)
        found.append(Member(state, loss, dataset, config, config.steps))
    return found


def alone(runs: list[Member]) -> Iterator[None]:
    every = [train(m.state, m.objective, m.dataset, m.config, m.steps) for m in runs]
    while True:
        for steps in every:
            next(steps)
        yield


def together(runs: list[Member], form: Form) -> Iterator[None]:
    for _ in train_pack(runs, form=form):
        yield


def timed(steps: Iterator[None], count: int, clock: Callable[[], float]) -> float:
    begun = clock()
    for _ in range(count):
        next(steps)
    return (clock() - begun) / count


def row(case: str, runs: int, given: argparse.Namespace, clock: Callable[[], float]) -> str:
    device = torch.device(given.device)
    dataset = images(CASES[case][0], device)
    running = {"alone": alone(members(case, runs, dataset, device))}
    for form in get_args(Form):
        running[form] = together(members(case, runs, dataset, device), form)
    counts = {}
    for name, steps in running.items():
        timed(steps, 2, clock)  # warm caches
        counts[name] = max(1, int(given.seconds / timed(steps, 1, clock)))
    measured: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(given.rounds):
        for name, steps in running.items():
            measured[name].append(timed(steps, counts[name], clock) / runs)
    cells = [
        f"{1000 * statistics.median(taken):.2f} "
        f"({statistics.median(a / t for a, t in zip(measured['alone'], taken, strict=True)):.2f})"
        for taken in measured.values()
    ]
    return f"| {case} | {runs} | {' | '.join(cells)} |"


def clock_of(device: torch.device, name: str) -> Callable[[], float]:
    if device.type != "cuda":
        return time.process_time if name == "cpu" else time.perf_counter

    def synchronised() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return synchronised


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu")
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--cases", nargs="+", default=list(CASES), help="a part of their names")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    prepare(device)
    console = Console()
    console.print(f"{describe_device(device)}, torch {torch.__version__}", end="\n\n")
    names = ["case", "runs", "alone", *get_args(Form)]
    console.print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}", soft_wrap=True)
    clock = clock_of(device, given.clock)
    for case in CASES:
        if any(part in case for part in given.cases):
            for runs in given.runs:
                console.print(row(case, runs, given, clock), soft_wrap=True)


if __name__ == "__main__":
    main()
