"""Speed of HFVAE training steps with and without a memory bank in the estimate of q(z).

    python tests/benchmarks/bank_speed.py --device cpu --seconds 8 --rounds 3

The runs alternate in one process. The table has medians over the rounds, and the time of a step as
a multiple of that without a memory bank.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from rich.console import Console
from step_speed import configured, images28, speed, vaerun_steps

from runner.training import describe_device

ENCODINGS = ("null", "1024", "4096")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    device = torch.device(given.device)
    dataset = images28(device)
    fixed = ("architecture=mlp", "objective=hfvae", "batch_size=128")
    configs = {n: configured(*fixed, f"objective.encodings={n}") for n in ENCODINGS}
    running = {n: vaerun_steps(config, dataset, device) for n, config in configs.items()}
    measured: dict[str, list[float]] = {n: [] for n in ENCODINGS}
    for _ in range(given.rounds):
        for n, steps in running.items():
            measured[n].append(speed(steps, 128, given.seconds, device))
    alone = statistics.median(measured["null"])
    console = Console()
    console.print(
        f"{describe_device(device)}, torch {torch.__version__}; MLP 28x28, batch 128\n\n"
        "| encodings in q(z) | images/s | relative time of a step |\n|---|---|---|"
    )
    for n, values in measured.items():
        median = statistics.median(values)
        encodings = "128, the batch" if n == "null" else f"{int(n):,}"
        console.print(f"| {encodings} | {median:,.0f} | {alone / median:.1f} |", soft_wrap=True)


if __name__ == "__main__":
    main()
