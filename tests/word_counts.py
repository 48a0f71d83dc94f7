"""A small corpus for tests: documents of two subjects, each with its own words."""

from __future__ import annotations

from pathlib import Path

import torch

from runner.dataset import COUNTS, Dataset, Factor, ResidentSplit

WORDS = ("goal", "team", "hockey", "church", "faith", "bible", "people", "time")
_SUBJECT = 3
"""Words of each subject, before those of both."""


def corpus(documents: int = 60, seed: int = 0) -> Dataset:
    """Documents whose counts are Poisson draws, the subjects alternating."""
    source = torch.Generator().manual_seed(seed)
    splits = []
    for _ in range(2):
        subjects_N = torch.arange(documents) % 2
        rates_NV = torch.full((documents, len(WORDS)), 0.05)
        rates_NV[:, 2 * _SUBJECT :] = 1.0
        for subject in range(2):
            own = slice(subject * _SUBJECT, (subject + 1) * _SUBJECT)
            rates_NV[subjects_N == subject, own] = 3.0
        counts_NV = torch.poisson(rates_NV, generator=source).to(torch.int16)
        counts_NV[:, -1] += 1  # no document is empty
        splits.append(ResidentSplit(counts_NV.view(documents, 1, 1, -1), subjects_N[:, None]))
    return Dataset(
        name="bag_of_words",
        train=splits[0],
        test=splits[1],
        has_test_split=True,
        factors=(Factor("label", 2),),
        shape=(1, 1, len(WORDS)),
        class_factor="label",
        class_names=("hockey", "religion"),
        is_factor_grid=False,
        kind=COUNTS,
        value_names=WORDS,
    )


def write_bag_of_words(folder: Path, dataset: Dataset) -> None:
    """Write the training documents in the layout of ``dataset=bag_of_words``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{w} 1\n" for w in dataset.value_names))
    every = torch.arange(dataset.train.size)
    counts_NV = dataset.train.images(every).flatten(1).tolist()
    labels = [dataset.class_names[n] for n in dataset.train.factors(every)[:, 0]]
    lines = [
        f"{label} " + " ".join(f"{v}:{count}" for v, count in enumerate(row, start=1) if count)
        for label, row in zip(labels, counts_NV, strict=True)
    ]
    (folder / "docs.feat").write_text("\n".join(lines) + "\n")
