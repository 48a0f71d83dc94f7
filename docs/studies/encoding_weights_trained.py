"""What the weights of the encodings behind q(z) do to the trained model: tables of finished runs.

    python docs/studies/encoding_weights_trained.py outputs/sweep-NAME/* ...

Every run is a line of ``encoding_weights_trained.csv``, in which the lines of other rows stay, and
the tables are of all its lines. Runs that share dataset, objective, weights and bank are a row:
mean ± standard deviation over their seeds. The terms are those of 1,024 draws, with 60,000 training
images behind q(z); the reconstruction is of the same images. The second table has the difference
of every row from the default, stratified weights without a bank, and of equal from stratified
weights with a bank, seed by seed: mean ± half of Student's 95 % interval, with a star where it
leaves out 0. Without folders both tables are those of the file.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import runs_csv
import torch
from encoding_weights_bias import exact
from estimator_bias import TERMS, Case, encode, opened
from seed_intervals import interval

from runner.api.run import load_run

IMAGES = 60_000
DRAWS = 1024
IN_TRAINING = "correlation between groups in training"
_LAST_RECORDS = 5

_HEADS = ["dataset", "objective", "weights", "bank", "seeds"]

Key = tuple[str, ...]
"""Dataset, objective, weights and places of the bank."""

Rows = Mapping[Key, dict[int, Mapping[str, float]]]
"""The figures of every run, by row and seed."""


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


def table(rows: Rows) -> list[str]:
    """Return the lines of a Markdown table of the rows."""
    names = _names(rows)
    lines = [_HEADS + names]
    for key, runs in rows.items():
        columns = [[run[name] for run in runs.values()] for name in names]
        lines.append([*key, str(len(runs)), *map(_mean_and_spread, columns)])
    return _markdown(lines)


def differences(rows: Rows) -> list[str]:
    """Return the lines of a Markdown table of the differences between rows, seed by seed."""
    names = _names(rows)
    lines = [[*_HEADS[:-1], "less", "seeds", *names]]
    for key, runs in rows.items():
        *shared, weights, bank = key
        others = [("stratified", "0")]
        if weights == "equal" and bank != "0":
            others.append(("stratified", bank))
        for other in others:
            against = rows.get((*shared, *other), {})
            if key[2:] != other and (common := sorted(runs.keys() & against.keys())):
                gaps = [[runs[s][name] - against[s][name] for s in common] for name in names]
                less = f"{other[0]}, {other[1]}"
                lines.append([*key, less, str(len(common)), *map(_mean_and_interval, gaps)])
    return _markdown(lines)


def _names(rows: Rows) -> list[str]:
    return list(next(iter(next(iter(rows.values())).values())))


def _markdown(lines: list[list[str]]) -> list[str]:
    heads, *body = lines
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *body)]


def _mean_and_spread(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def _mean_and_interval(values: list[float]) -> str:
    return interval(values).text(signed=True)


@torch.no_grad()
def main() -> None:
    """Read the folders on the command line that have a finished run; print both tables."""
    path = Path(__file__).with_suffix(".csv")
    rows = defaultdict(dict, runs_csv.read(path, _HEADS[:-1]))
    for folder in map(Path, sys.argv[1:]):
        if (folder / "summary.json").is_file():
            rows[key_of(folder)][load_run(folder).config.seed] = figures(folder)
    if not rows:
        raise SystemExit("error: there is no finished run")
    if sys.argv[1:]:
        runs_csv.write(path, _HEADS[:-1], rows.items(), _names(rows), "{:.4f}".format)
    sys.stdout.write("\n".join([*table(rows), "", *differences(rows), ""]))


if __name__ == "__main__":
    main()
