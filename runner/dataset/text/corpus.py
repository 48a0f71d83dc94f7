"""Documents that are counted, and the dataset that they make.

Shapes: N documents, V words of the vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Generator, Tensor

from runner import memory, progress
from runner.dataset.kinds import COUNTS
from runner.dataset.splits import Dataset, Factor, ResidentSplit
from runner.errors import DataError, UsageError

_LEAST = 2
"""Documents of a split: q(z) is a mean over several encodings."""

_CLASS = "label"


@dataclass(frozen=True, eq=False)
class Corpus:
    """Counted documents, of a training and a test split or of one."""

    counts_NV: sparse.csr_array
    labels: Sequence[str] | None
    """The class of each document; None: there is none."""
    words: tuple[str, ...]
    """The vocabulary."""
    test: int
    """How many of the documents, the last ones, are the test split; 0: there is none."""

    @property
    def size(self) -> int:
        """N, the number of documents."""
        return cast("tuple[int, int]", self.counts_NV.shape)[0]


def split(corpus: Corpus, share: float, seed: int) -> Corpus:
    """Return the documents of a corpus in another order, with a share of them as the test split.

    The order depends on the number of documents and on ``seed`` alone.
    """
    size = corpus.size
    order_N = torch.randperm(size, generator=Generator().manual_seed(seed)).numpy()
    labels = corpus.labels
    return replace(
        corpus,
        counts_NV=corpus.counts_NV[order_N],
        labels=None if labels is None else [labels[n] for n in order_N],
        test=round(share * size),
    )


def most_frequent(corpus: Corpus, most: int | None) -> Corpus:
    """Return the documents with no more than the ``most`` most frequent words of the vocabulary."""
    if most is None or most >= len(corpus.words):
        return corpus
    total_V = np.asarray(corpus.counts_NV.sum(axis=0)).ravel()
    kept = np.sort(np.argsort(-total_V, kind="stable")[:most])
    words = tuple(corpus.words[v] for v in kept)
    return replace(corpus, counts_NV=corpus.counts_NV[:, kept], words=words)


def dataset_of(
    name: str, where: str, corpus: Corpus, device: torch.device, *, own: bool = True
) -> Dataset:
    """Return the dataset of a corpus, without documents that have no word of the vocabulary.

    Counts are whole numbers on the device, (N, 1, 1, V): 2 bytes each, or 4 where one is too large.

    Args:
        name: in ``conf/dataset``.
        where: the documents in words, for messages.
        corpus: the documents.
        device: where they are to lie.
        own: whether they are a user's, who may change them.

    Raises: DataError when too few documents are left; UsageError when the machine has no memory.
    """
    corpus = _without_empty(corpus, where)
    size, width = corpus.size, len(corpus.words)
    most = int(corpus.counts_NV.max())
    kind = np.int16 if most <= np.iinfo(np.int16).max else np.int32
    needed = size * width * np.dtype(kind).itemsize
    memory.require(needed, f"a vocabulary of {width:,} words", "dataset.vocabulary=2000")
    counts_N11V = torch.from_numpy(corpus.counts_NV.toarray().astype(kind)).view(size, 1, 1, width)
    classes = tuple(sorted(set(corpus.labels), key=_by_number)) if corpus.labels else ()
    numbers_NF = _numbers(corpus, classes)
    first = size - corpus.test
    parts = [slice(0, first), slice(first, size)] if corpus.test else [slice(0, size)]
    splits = [ResidentSplit(counts_N11V[p].to(device), numbers_NF[p].to(device)) for p in parts]
    return Dataset(
        name=name,
        train=splits[0],
        test=splits[-1],
        has_test_split=corpus.test > 0,
        factors=(Factor(_CLASS, len(classes)),) if classes else (),
        shape=(1, 1, width),
        class_factor=_CLASS if classes else None,
        class_names=classes,
        is_factor_grid=False,
        digest=_digest(corpus, counts_N11V, numbers_NF) if own else None,
        kind=COUNTS,
        value_names=corpus.words,
    )


def _without_empty(corpus: Corpus, where: str) -> Corpus:
    sizes_N = np.asarray(corpus.counts_NV.sum(axis=1)).ravel()
    kept_N = sizes_N > 0
    test = int(kept_N[len(kept_N) - corpus.test :].sum()) if corpus.test else 0
    train = int(kept_N.sum()) - test
    if train < _LEAST or (corpus.test and test < _LEAST):
        part = "test" if train >= _LEAST else "training"
        raise DataError(f"{where}: fewer than {_LEAST} {part} documents have a word")
    if lost := int((~kept_N).sum()):
        progress.say(f"{lost:,} documents without a word of the vocabulary are left out")
    labels, rows = corpus.labels, np.flatnonzero(kept_N)
    return replace(
        corpus,
        counts_NV=corpus.counts_NV[rows],
        labels=None if labels is None else [labels[n] for n in rows.tolist()],
        test=test,
    )


def _numbers(corpus: Corpus, classes: tuple[str, ...]) -> Tensor:
    """Return the class of each document, (N, 1), or no factor, (N, 0)."""
    if corpus.labels is None:
        return torch.zeros(corpus.size, 0, dtype=torch.int64)
    place = {label: number for number, label in enumerate(classes)}
    return torch.tensor([[place[label]] for label in corpus.labels], dtype=torch.int64)


def _by_number(label: str) -> tuple[float, str]:
    """Return what puts classes that are numbers in their order, before others."""
    return float(label) if label.isdecimal() else float("inf"), label


def _digest(corpus: Corpus, counts: Tensor, numbers: Tensor) -> str:
    found = hashlib.sha256(counts.numpy().tobytes())
    found.update(numbers.numpy().tobytes())
    found.update("\n".join(corpus.words).encode())
    found.update(str(corpus.test).encode())
    return found.hexdigest()


def from_entries(
    entries: tuple[Sequence[int], Sequence[int], Sequence[int]], documents: int, words: int
) -> sparse.csr_array:
    """Return counts, (N, V), of (document, word, count) in three columns; repeated ones are added.

    Raises: UsageError for a count that is larger than a 32-bit number, alone or where it is added.
    """
    most = int(np.iinfo(np.int32).max)
    too_many = UsageError(f"a word occurs more than {most:,} times in a document")
    if max(entries[2], default=0) > most:
        raise too_many
    rows, columns, values = (np.asarray(column, dtype=np.int64) for column in entries)
    data: NDArray[np.int64] = values
    found = sparse.csr_array((data, (rows, columns)), shape=(documents, words))
    if found.nnz and int(found.max()) > most:
        raise too_many
    return found
