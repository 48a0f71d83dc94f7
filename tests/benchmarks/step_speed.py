"""Speed of a training step, compared with that of a conventional training loop.

    python tests/benchmarks/step_speed.py --device cpu --seconds 8 --rounds 3

Three training loops alternate in one process, with the same network, objective (beta-TCVAE) and
batch size:
``conventional`` (a DataLoader over float images, the (B, B, D) estimate, default Adam, ``.item()``
at every step, default matrix products), ``vaerun``, and ``vaerun`` with ``training.compile=true``.
The table has medians over the rounds and their ratios; absolute speeds depend on the machine.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from hydra import compose, initialize_config_dir
from rich.console import Console
from torch.utils.data import DataLoader, TensorDataset

from runner import config as settings
from runner.config import RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit, load
from runner.model import VAE, build
from runner.objective import Objective
from runner.training import TrainingState, describe_device, prepare, train

CASES = {
    "mlp 28x28, batch 128": ("architecture=mlp", "batch_size=128"),
    "conv64 sprites, batch 64": ("architecture=conv64", "batch_size=64"),
}


def configured(*overrides: str) -> RunConfig:
    settings.register()
    with initialize_config_dir(str(settings.data_root() / "conf"), version_base="1.3"):
        fixed = ["objective=beta_tcvae", "prior=normal", "steps=100000000"]
        given = {override.partition("=")[0] for override in overrides}
        kept = [override for override in fixed if override.partition("=")[0] not in given]
        return settings.parse(compose("config", [*kept, *overrides]))


def images28(device: torch.device) -> Dataset:
    images = torch.randint(0, 256, (20_000, 1, 28, 28), dtype=torch.uint8)
    split = ResidentSplit(
        images.to(device), torch.zeros(20_000, 1, dtype=torch.long, device=device)
    )
    factors = (Factor("label", 10),)
    names = tuple("0123456789")
    return Dataset("random", split, split, True, factors, (1, 28, 28), "label", names)  # noqa: FBT003


def vaerun_steps(config: RunConfig, dataset: Dataset, device: torch.device) -> Iterator[None]:
    prepare(device)
    precision = torch.get_float32_matmul_precision()
    model = build(config, shape=dataset.shape, classes=dataset.classes).to(device)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    state = TrainingState.fresh(model, config)
    for _ in train(state, objective, dataset, config, config.steps):
        yield
        torch.set_float32_matmul_precision(precision)  # the other loop restores the default


def conventional_steps(config: RunConfig, dataset: Dataset, device: torch.device) -> Iterator[None]:
    model = build(config, shape=dataset.shape, classes=dataset.classes).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    every = torch.randperm(dataset.train.size)[:20_000].to(device)
    floats = TensorDataset(dataset.train.images(every).float().cpu() / 255)
    while True:
        for (images,) in DataLoader(floats, config.batch_size, shuffle=True, drop_last=True):
            torch.set_float32_matmul_precision("highest")
            optimizer.zero_grad()
            loss = conventional_loss(model, images.to(device), dataset.train.size)
            loss.backward()
            optimizer.step()
            loss.item()
            yield


def conventional_loss(model: VAE, x: torch.Tensor, size: int) -> torch.Tensor:
    loc, log_scale = model.encode(x).chunk(2, dim=1)
    z = loc + torch.randn_like(loc) * log_scale.exp()
    normal = torch.distributions.Normal(loc[None], log_scale.exp()[None])
    pairs = normal.log_prob(z[:, None])  # (B, B, D)
    constant = math.log(len(z) * size)
    joint = pairs.sum(2).logsumexp(1) - constant
    product = (pairs.logsumexp(1) - constant).sum(1)
    own = pairs.diagonal().sum(0)
    latents = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    terms = (own - joint) + 6 * (joint - product) + (product - latents)
    return -model.log_px_z(x, z).mean() + terms.mean()


def speed(steps: Iterator[None], batch: int, seconds: float, device: torch.device) -> float:
    for _ in range(3):  # compile, warm caches
        next(steps)
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        next(steps)
        count += 1
    if device.type == "cuda":
        torch.cuda.synchronize()
    return count * batch / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    device = torch.device(given.device)
    console = Console()
    console.print(
        f"{describe_device(device)}, torch {torch.__version__}; median images/s", end="\n\n"
    )
    console.print(
        "| network | conventional | vaerun | ratio | compiled | ratio |\n|---|---|---|---|---|---|"
    )
    for case, overrides in CASES.items():
        sprites = settings.DatasetConfig("sprites", {}, None)
        dataset = load(sprites, "", device) if "conv64" in case else images28(device)
        loops: dict[str, Callable[[], Iterator[None]]] = {
            "plain": lambda d=dataset, o=overrides: conventional_steps(configured(*o), d, device),
            "vaerun": lambda d=dataset, o=overrides: vaerun_steps(configured(*o), d, device),
            "compiled": lambda d=dataset, o=overrides: vaerun_steps(
                configured(*o, "training.compile=true"), d, device
            ),
        }
        batch = configured(*overrides).batch_size
        running = {name: start() for name, start in loops.items()}
        measured: dict[str, list[float]] = {name: [] for name in running}
        for _ in range(given.rounds):
            for name, steps in running.items():
                measured[name].append(speed(steps, batch, given.seconds, device))
        plain, ours, compiled = (statistics.median(values) for values in measured.values())
        console.print(
            f"| {case} | {plain:,.0f} | {ours:,.0f} | {ours / plain:.2f} "
            f"| {compiled:,.0f} | {compiled / plain:.2f} |",
            soft_wrap=True,
        )


if __name__ == "__main__":
    main()
