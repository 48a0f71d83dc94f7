"""Which training images have a class that is known to the training.

Shapes: N images of a split, K images whose class is known.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor

from runner.config import ALL, RunConfig
from runner.dataset.splits import Dataset
from runner.errors import UsageError


def with_labels(dataset: Dataset, config: RunConfig, device: torch.device) -> Dataset:
    """Return the dataset with ``labels`` training images whose class is known, and no others.

    There are as many of each class, or one more of some. Which they are depends on ``label_seed``
    (null: ``seed``) alone; ``all`` are all that have a class. Without ``labels`` the dataset stays
    as it is.

    Raises: UsageError where the dataset has no classes, or too few images of one.
    """
    if config.labels is None:
        return dataset
    if dataset.class_column is None or dataset.classes < 2:
        raise UsageError(f"labels={config.labels}: {dataset.name} has no classes")
    rows_N = torch.arange(dataset.train.size, device=device)
    classes_N = dataset.labels(dataset.train, rows_N)[0].cpu()
    if config.labels == ALL:
        return replace(dataset, labelled_K=(classes_N >= 0).nonzero()[:, 0].to(device))
    if config.labels < dataset.classes:
        raise UsageError(
            f"labels={config.labels} is less than one for each of the {dataset.classes} classes of "
            f"{dataset.name}"
        )
    seed = config.seed if config.label_seed is None else config.label_seed
    rows_K = _balanced(dataset, classes_N, config.labels, seed)
    return replace(dataset, labelled_K=rows_K.to(device))


def _balanced(dataset: Dataset, classes_N: Tensor, count: int, seed: int) -> Tensor:
    """Return the indices of ``count`` images, sorted; on the CPU, the same on every device."""
    source = Generator().manual_seed(seed)
    each, more = divmod(count, dataset.classes)
    has_more = set(torch.randperm(dataset.classes, generator=source)[:more].tolist())
    known = torch.bincount(classes_N[classes_N >= 0], minlength=dataset.classes).tolist()
    wanted_of = [each + (number in has_more) for number in range(dataset.classes)]
    if any(of_class < wanted for of_class, wanted in zip(known, wanted_of, strict=True)):
        least = min(range(dataset.classes), key=known.__getitem__)
        raise UsageError(
            f"labels={count} asks for {max(wanted_of):,} training images of each class, and "
            f"{dataset.name} has {known[least]:,} of '{dataset.class_names[least]}'",
            f"labels={known[least] * dataset.classes} is the most" if known[least] else None,
        )
    chosen: list[Tensor] = []
    for number, wanted in enumerate(wanted_of):
        of_class = (classes_N == number).nonzero()[:, 0]
        order = torch.randperm(len(of_class), generator=source)
        chosen.append(of_class[order[:wanted]])
    return torch.cat(chosen).sort().values
