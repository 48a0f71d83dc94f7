"""Compare one group of 50 topics with two groups of 25 on the 20 Newsgroups.

    python docs/studies/topics.py train 20news     trains what is missing (a minute a run)
    python docs/studies/topics.py count 20news     counts again how often the top words meet
    python docs/studies/topics.py page             writes docs/studies/topics.md

``train`` adds a line per run and figure to ``docs/studies/topics.csv``, and the topics of each run
to ``docs/studies/topics_words.csv``. Runs differ in their seed alone; the split of the documents
is the same for all. ``count`` adds what NPMI is where a pair of words that never occurs together
counts as 0 and not as -1, and how many such pairs there are.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from scipy import sparse, stats

from runner.config import RunConfig
from runner.config.composition import compose_run
from runner.dataset import Dataset, load
from runner.evaluation import Evaluator, encode, score_requests
from runner.evaluation.text_tables import text_tables
from runner.metric.npmi import npmi
from runner.model import VaeRepresentation
from runner.objective import Objective
from runner.training import TrainingState, generator, new_model, train

HERE = Path(__file__).parent
FIGURES, WORDS, PAGE = HERE / "topics.csv", HERE / "topics_words.csv", HERE / "topics.md"
SYSTEMS = {
    "VAE, one group of 50": "vae_newsgroups",
    "HFVAE, two groups of 25": "hfvae_newsgroups",
}
SEEDS = range(5)
STEPS = 2000
METRICS = {
    "topic_coherence": "NPMI, all topics",
    "never_together": "share of pairs that never occur together",
    "topic_coherence/zero": "NPMI, all topics, such pairs as 0",
    "topic_coherence/correlated": "NPMI, most correlated topics",
    "topic_coherence/best_10": "NPMI, ten best topics",
    "topic_diversity": "diversity",
    "perplexity": "perplexity",
    "linear_probe": "accuracy of a linear probe",
}
_TOPICS, _BEST = "topics", 10
_COUNTED = ("never_together", "topic_coherence/zero")
"""The figures of ``count``."""


def settings(experiment: str, seed: int, path: str) -> RunConfig:
    """Return the settings of a run, as its command line would give them."""
    return compose_run(
        [
            f"experiment={experiment}", "dataset=bag_of_words", f"dataset.path={path}",
            f"seed={seed}", "epochs=null", f"steps={STEPS}", "device=cpu", "wandb.mode=disabled",
        ]
    )  # fmt: skip


def trained(config: RunConfig, dataset: Dataset) -> VaeRepresentation:
    """Train a model as a run does, without its folder."""
    device = torch.device("cpu")
    model = new_model(config, dataset, device)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    state = TrainingState.fresh(model, config)
    for _ in train(state, objective, dataset, config, STEPS):
        pass
    return VaeRepresentation(model.eval(), dataset.kind.to_input)


def scores(model: VaeRepresentation, dataset: Dataset, config: RunConfig) -> dict[str, float]:
    """Return the scores of ``metrics=topics``."""
    evaluator = Evaluator(model, dataset, config.metrics)
    found: dict[str, float] = {}
    for request in score_requests(config.metrics):
        if request.metric != "clustering":
            found |= evaluator.compute(request).numbers
    return found


def add(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Add lines to a CSV file."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([head, *rows] if is_new else rows)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def train_missing(path: str) -> None:
    """Train the runs that the file of figures lacks, seed by seed."""
    done = {(row["experiment"], int(row["seed"])) for row in rows_of(FIGURES)}
    for seed in SEEDS:
        for experiment in SYSTEMS.values():
            if (experiment, seed) not in done:
                train_one(experiment, seed, path)


def train_one(experiment: str, seed: int, path: str) -> None:
    """Train a run, and add its figures and its topics."""
    config = settings(experiment, seed, path)
    device = torch.device("cpu")
    dataset = load(config.dataset, config.data_dir, device)
    model = trained(config, dataset)
    source = generator(device, seed, "evaluation")
    encodings = encode(model, dataset.test, dataset.test.size, source)
    tables = {table.name: table for table in text_tables(model, dataset, encodings)}
    best = [float(row[2]) for row in tables[_TOPICS].rows[:_BEST]]
    found = scores(model, dataset, config) | {"topic_coherence/best_10": statistics.mean(best)}
    words = [
        [experiment, seed, name, *map(_written, row[-4:] if name == _TOPICS else row[1:])]
        for name, table in tables.items()
        for row in table.rows
    ]
    add(WORDS, ["experiment", "seed", "table", "first", "second", "third", "words"], words)
    figures = [[experiment, seed, STEPS, name, _written(value)] for name, value in found.items()]
    add(FIGURES, ["experiment", "seed", "steps", "figure", "value"], figures)


def count(path: str) -> None:
    """Add the figures of the topics of every run in which words that never meet count as 0.

    Raises: SystemExit where the documents are not those that the topics were learned from.
    """
    dataset = load(settings("vae_newsgroups", 0, path).dataset, "data", torch.device("cpu"))
    place = {word: v for v, word in enumerate(dataset.value_names)}
    splits = [dataset.train, dataset.test]
    counts = [split.images(torch.arange(split.size)).flatten(1) for split in splits]
    npmi_SS = npmi(sparse.csr_array((torch.cat(counts) > 0).numpy()))
    runs: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows_of(WORDS):
        if row["table"] == _TOPICS:
            runs[row["experiment"], row["seed"]].append(row)
    lines = [line for line in rows_of(FIGURES) if line["figure"] not in _COUNTED]
    for (experiment, seed), topics in runs.items():
        words = [[place[word] for word in row["words"].split()] for row in topics]
        pairs = np.array([list(combinations(of_topic, 2)) for of_topic in words])
        found_KP = npmi_SS[pairs[..., 0], pairs[..., 1]]
        known = [float(row["third"]) for row in topics]
        if not np.allclose(found_KP.mean(1), known, atol=1e-5):
            raise SystemExit(f"error: {path} has other documents than those of {WORDS}")
        never = found_KP == -1
        values = {"never_together": never.mean(), "topic_coherence/zero": found_KP[~never].sum()}
        values["topic_coherence/zero"] /= found_KP.size
        lines += [
            {"experiment": experiment, "seed": seed, "steps": str(STEPS), "figure": name,
             "value": str(_written(float(value)))}
            for name, value in values.items()
        ]  # fmt: skip
    with FIGURES.open("w", newline="") as file:
        table = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(lines)


def _written(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of runs, and half the width of its 95 % interval by Student's t."""
    if len(values) < 2:
        return values[0], math.nan
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.mean(values), float(half)


def write_page() -> None:
    """Write the page from the two files."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("figures", figure_lines()), ("topics", topic_lines())):
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        text = before + start + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    PAGE.write_text(text, encoding="utf-8")


def figure_lines() -> list[str]:
    """Return the table of figures: a line per figure, a column per system, and the difference."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in rows_of(FIGURES):
        found[row["experiment"], row["figure"]][row["seed"]] = float(row["value"])
    one, other = SYSTEMS.values()
    seeds = sorted(found[one, "perplexity"].keys() & found[other, "perplexity"].keys())
    head = f"{len(seeds)} seed{'s' * (len(seeds) > 1)}, {STEPS:,} steps"
    lines = [
        f"| {head} | {' | '.join(SYSTEMS)} | HFVAE less VAE |",
        "|---|---|---|---|",
    ]
    for name, title in METRICS.items():
        decimals = 0 if name == "perplexity" else 3
        columns = [[found[system, name][seed] for seed in seeds] for system in (one, other)]
        columns.append([b - a for a, b in zip(*columns, strict=True)])
        cells = [_cell(*interval(column), decimals) for column in columns]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _cell(mean: float, half: float, decimals: int) -> str:
    error = "" if math.isnan(half) else f" ± {half:,.{decimals}f}"
    return f"{mean:,.{decimals}f}{error}".replace("-", "\N{MINUS SIGN}")


def topic_lines() -> list[str]:
    """Return the ten most coherent topics of the first seed of each system, and correlated ones."""
    lines: list[str] = []
    for title, experiment in SYSTEMS.items():
        every = [r for r in rows_of(WORDS) if r["experiment"] == experiment and r["seed"] == "0"]
        topics = [row for row in every if row["table"] == _TOPICS][:_BEST]
        pairs = [row for row in every if row["table"] != _TOPICS][:6]
        lines += ["", f"{title}, the ten most coherent topics of seed 0:", ""]
        lines += ["| topic | group | NPMI | top words |", "|---|---|---|---|"]
        lines += [_line(row["first"], row["second"], row["third"], row["words"]) for row in topics]
        lines += ["", f"{title}, the three most correlated pairs of seed 0:", ""]
        lines += ["| correlation | topic | NPMI | top words |", "|---|---|---|---|"]
        lines += [_line(row["first"], row["second"], row["third"], row["words"]) for row in pairs]
    return lines


def _line(first: str, second: str, third: str, words: str) -> str:
    def short(text: str) -> str:
        return f"{float(text):.2f}" if "." in text else text

    return f"| {' | '.join(map(short, (first, second, third)))} | {words} |"


def main() -> None:
    """Train, count, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "count", "page"))
    parser.add_argument("path", nargs="?", default="")
    given = parser.parse_args()
    if given.what == "train":
        train_missing(given.path)
    elif given.what == "count":
        count(given.path)
    else:
        write_page()


if __name__ == "__main__":
    main()
