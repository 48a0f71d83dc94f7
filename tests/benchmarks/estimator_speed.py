"""Speed of training steps by the two forms of the estimate of q(z): plain, and swept.

    OMP_NUM_THREADS=1 python tests/benchmarks/estimator_speed.py --rounds 7

A step is the forward and backward pass of the MLP on 28x28 images, with random images and no
optimizer. The forms alternate in one process, and time is the processor's, of one thread. The
tables have milliseconds, medians over the rounds, and medians of ratios with the least and the
largest: plain over swept, and with a memory bank over without one. ``--plain-up-to`` leaves out the
plain form above a batch size, since its memory grows with the square. ``--only posteriors``
measures the forms of a conditional posterior alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import torch
from rich.console import Console
from step_speed import configured

from runner.model import build
from runner.objective import Objective
from runner.training import prepare
from runner.training.batch import Batch
from runner.training.step import step

SHAPE, IMAGES = (1, 28, 28), 60_000
Step = Callable[[], None]
Times = dict[str, list[float]]


def one_step(*overrides: str, batch: int = 128, bank: int = 0, plain: bool = False) -> Step:
    """Return a function that takes one step."""
    config = configured("architecture=mlp", *overrides)
    model = build(config, shape=SHAPE, classes=10)
    objective = Objective.from_config(config, model.latents.tree, IMAGES)
    source = torch.Generator().manual_seed(0)
    images = torch.rand(batch, *SHAPE, generator=source)
    noise = model.latents.noise(batch, source)
    with torch.no_grad():
        bank_KP = model.encode(torch.rand(bank, *SHAPE, generator=source)) if bank else None
    is_held_K = torch.ones(bank) if bank else None
    inputs = Batch(images, images, noise, bank_KP=bank_KP, is_held_K=is_held_K)
    weights_S = objective.weights(0).float()

    def take() -> None:
        model.zero_grad()
        found = step(model, objective.plan, weights_S, inputs, with_terms=False, plain=plain)
        found.loss.backward()

    return take


def milliseconds(steps: Mapping[str, Step], rounds: int, seconds: float) -> Times:
    """Return the time of a step in every round, in turns."""
    measured: Times = {name: [] for name in steps}
    for take in steps.values():
        take()
    for _ in range(rounds):
        for name, take in steps.items():
            count, begun = 0, time.process_time()
            while time.process_time() - begun < seconds:
                take()
                count += 1
            measured[name].append(1000 * (time.process_time() - begun) / count)
    return measured


def ratio(ones: list[float], others: list[float]) -> str:
    found = [one / other for one, other in zip(ones, others, strict=True)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def forms(console: Console, given: argparse.Namespace) -> None:
    console.print(
        "| objective | dimensions | batch | plain | swept | gain |\n|---|---|---|---|---|---|"
    )
    cases = [("hfvae", 10, batch) for batch in (64, 128, 256, 1024, 4096)]
    cases += [("hfvae", dimensions, 128) for dimensions in (32, 128)]
    cases += [(name, 10, 128) for name in ("beta_tcvae", "beta_vae")]
    for name, dimensions, batch in cases:
        words = (f"objective={name}", f"prior.dimensions={dimensions}")
        steps = {"swept": one_step(*words, batch=batch)}
        if batch <= given.plain_up_to:
            steps["plain"] = one_step(*words, batch=batch, plain=True)
        found = milliseconds(steps, given.rounds, given.seconds)
        swept, plain = found["swept"], found.get("plain", [])
        was = f"{statistics.median(plain):.1f}" if plain else ""
        now = f"{statistics.median(swept):.1f}"
        gain = ratio(plain, swept) if plain else ""
        console.print(
            f"| {name} | {dimensions} | {batch:,} | {was} | {now} | {gain} |", soft_wrap=True
        )


def posteriors(console: Console, given: argparse.Namespace) -> None:
    console.print("\n| posterior | `concrete_density` | ms | over independent |\n|---|---|---|---|")
    conditional = "architecture.conditional=true"
    cases = {
        ("independent", "exact"): (),
        ("conditional", "exact"): (conditional,),
        ("conditional", "drawn"): (conditional, "objective.concrete_density=drawn"),
        ("conditional", "argmax"): (conditional, "objective.concrete_density=argmax"),
    }
    words = ("objective=hfvae", "prior=concrete_normal", "prior.categories=10")
    steps = {" | ".join(case): one_step(*words, *more) for case, more in cases.items()}
    found = milliseconds(steps, given.rounds, given.seconds)
    for name, values in found.items():
        more = ratio(values, found["independent | exact"])
        console.print(f"| {name} | {statistics.median(values):.1f} | {more} |", soft_wrap=True)


def banks(console: Console, given: argparse.Namespace) -> None:
    console.print("\n| objective | encodings in q(z) | swept | over no bank |\n|---|---|---|---|")
    for name in ("hfvae", "beta_tcvae"):
        sizes = {"the batch": 0, "1,024": 896, "4,096": 3968, "16,384": 16256}
        steps = {n: one_step(f"objective={name}", bank=size) for n, size in sizes.items()}
        found = milliseconds(steps, given.rounds, given.seconds)
        for n, values in found.items():
            more = ratio(values, found["the batch"])
            console.print(
                f"| {name} | {n} | {statistics.median(values):.1f} | {more} |", soft_wrap=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--plain-up-to", type=int, default=1024)
    parser.add_argument("--only", choices=["forms", "banks", "posteriors"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    prepare(torch.device("cpu"))
    sys.modules["runner.training.weighted_terms"]._LEAST_SWEPT = 0  # both forms at every size
    console = Console()
    for table in (forms, banks, posteriors):
        if table.__name__ in (given.only or table.__name__):
            table(console, given)


if __name__ == "__main__":
    main()
