"""Does a model learn the same in bfloat16? Runs of both precisions from the same seeds.

    python docs/studies/precision.py --steps 600 --seeds 3

Sprites, ``conv64``, beta-TCVAE, batches of 64. The figures are of the trained models, all computed
in float32, on the same 4,096 training images with the same noise; seconds are CPU time.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from runner.config.composition import compose_run
from runner.dataset import load
from runner.objective import TERM_NAMES, Objective
from runner.training import TrainingState, new_model, prepare, train
from runner.training.source import Source
from runner.training.step import step

CPU = torch.device("cpu")
CHOICES = [
    "dataset=sprites",
    "architecture=conv64",
    "objective=beta_tcvae",
    "batch_size=64",
    "learning_rate=0.001",
]
QUANTITIES = ("elbo", *TERM_NAMES)


def trained(precision: str, seed: int, steps: int) -> tuple[dict[str, float], float]:
    """Return the figures of a trained model, in nats, and the CPU seconds of a step."""
    config = compose_run([*CHOICES, f"precision={precision}", f"seed={seed}", f"steps={steps}"])
    dataset = load(config.dataset, config.data_dir, CPU)
    model = new_model(config, dataset, CPU)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    state = TrainingState.fresh(model, config)
    begun = time.process_time()
    for _ in train(state, objective, dataset, config, steps):
        pass
    seconds = (time.process_time() - begun) / steps
    model.bf16 = False
    source = Source(model, objective.plan, dataset, dataset.train, config, name="study ")
    draws = torch.Generator().manual_seed(0)
    weights_S = objective.weights(steps).float()
    found: list[dict[str, float]] = []
    with torch.no_grad():
        for number in range(16):
            indices_B = torch.randint(dataset.train.size, (256,), generator=draws)
            batch = source.batch(indices_B, number, weights_S)
            terms = step(model, objective.plan, weights_S, batch, with_terms=True).decomposition
            values = {name: float(getattr(terms.terms, name)) for name in TERM_NAMES}
            found.append({"elbo": -sum(values.values()), **values})
    return {name: statistics.mean(each[name] for each in found) for name in QUANTITIES}, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    prepare(CPU)
    found: dict[str, list[tuple[dict[str, float], float]]] = {"float32": [], "bf16": []}
    for seed in range(given.seeds):
        for precision, runs in found.items():
            runs.append(trained(precision, seed, given.steps))
    print(f"| after {given.steps} steps | float32 | bf16 |\n|---|---|---|")  # noqa: T201
    for name in QUANTITIES:
        cells = [" ".join(f"{figures[name]:.2f}" for figures, _ in runs) for runs in found.values()]
        print(f"| {name}, nats, by seed | {cells[0]} | {cells[1]} |")  # noqa: T201
    times = [statistics.median(1e3 * seconds for _, seconds in runs) for runs in found.values()]
    print(f"| a step, ms of CPU | {times[0]:.0f} | {times[1]:.0f} |")  # noqa: T201


if __name__ == "__main__":
    main()
