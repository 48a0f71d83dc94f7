"""What the weights of the encodings behind q(z) do to the trained model: a table of finished runs.

    python docs/studies/encoding_weights_trained.py outputs/sweep-NAME/* ...

Runs that share dataset, objective, weights and bank are a row: mean ± standard deviation over their
seeds. The terms are those of 1,024 draws, with 60,000 training images behind q(z); the
reconstruction is of the same images. The table is printed; every run is a row of
``encoding_weights_trained.csv``.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import torch
from encoding_weights_bias import exact
from estimator_bias import TERMS, Case, encode, opened

from runner.api.run import load_run

IMAGES = 60_000
DRAWS = 1024
IN_TRAINING = "correlation between groups in training"
_LAST_RECORDS = 5

Key = tuple[str, str, str, str]


def key_of(folder: Path) -> Key:
    """Return dataset, objective, weights and places of the bank of a run."""
    config = load_run(folder).config
    names = ("beta",) if config.objective.name == "beta_vae" else ("beta", "gamma")
    weights = " ".join(f"{name}={getattr(config, name):g}" for name in names)
    bank = (config.objective.encodings or config.batch_size) - config.batch_size
    objective = f"{config.objective.name} {weights}"
    return config.dataset.name, objective, config.objective.encoding_weights, f"{bank:,}"


def figures(folder: Path) -> dict[str, float]:
    """Return the figures of a run: nats, and MIG."""
    torch.manual_seed(0)
    _, dataset, model = opened(folder)
    numbers_NP = encode(dataset, model, IMAGES)
    latents = model.bind_latents()
    indices_D = torch.randperm(dataset.train.size, generator=torch.Generator().manual_seed(0))
    images_DCHW = dataset.kind.to_input(dataset.train.images(indices_D[:DRAWS]))
    noise_DW = latents.noise(DRAWS, torch.Generator().manual_seed(1000))
    z_DW = latents.sample(numbers_NP[:DRAWS], noise_DW)
    found = {"reconstruction": -float(model.log_px_z(images_DCHW, z_DW).mean())}
    terms_T = exact(Case("", latents, numbers_NP), z_DW).mean(0)
    found |= dict(zip(TERMS, terms_T.tolist(), strict=True))
    found["negative ELBO"] = sum(found.values())
    lines = (folder / "metrics.jsonl").read_text().splitlines()[-_LAST_RECORDS:]
    records = [json.loads(line)["terms/group_total_correlation"] for line in lines]
    found[IN_TRAINING] = statistics.mean(records)
    scores = load_run(folder).evaluate("mig", metrics="fast")
    found["MIG"] = next(v for name, v in scores.items() if name.rpartition("/")[2] == "mig")
    return found


def table(rows: dict[Key, list[dict[str, float]]]) -> list[str]:
    """Return the lines of a Markdown table."""
    names = list(next(iter(rows.values()))[0])
    titles = ["dataset", "objective", "weights", "bank", "seeds", *names]
    lines = [titles, ["---"] * len(titles)]
    for key, runs in rows.items():
        cells = [_cell([run[name] for run in runs]) for name in names]
        lines.append([*key, str(len(runs)), *cells])
    return [f"| {' | '.join(line)} |" for line in lines]


def _cell(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def write(rows: dict[Key, list[dict[str, float]]]) -> None:
    """Write every run."""
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        names = list(next(iter(rows.values()))[0])
        lines.writerow(["dataset", "objective", "weights", "bank", *names])
        for key, runs in rows.items():
            lines.writerows([[*key, *(f"{run[name]:.4f}" for name in names)] for run in runs])


@torch.no_grad()
def main() -> None:
    """Read the folders on the command line that have a finished run."""
    rows: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for folder in map(Path, sys.argv[1:]):
        if (folder / "summary.json").is_file():
            rows[key_of(folder)].append(figures(folder))
    write(rows)
    sys.stdout.write("\n".join([*table(rows), ""]))


if __name__ == "__main__":
    main()
