"""``dataset=bag_of_words``: documents whose words have been counted.

A file has a line per document, ``label word:count word:count …``, with words numbered from 1. The
vocabulary, ``vocab.txt`` beside it, has a word per line, and what follows it there is not read.
This is the layout in which Miao et al. 2016 published the 20 Newsgroups.

Shapes: N documents, V words of the vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from scipy import sparse

from runner.config import BagOfWordsConfig, DatasetConfig
from runner.dataset.archive.guarded_reading import reading
from runner.dataset.splits import Dataset
from runner.dataset.text.corpus import Corpus, dataset_of, from_entries, most_frequent, split
from runner.errors import DataError, UsageError

_VOCABULARY = "vocab.txt"
_TRAIN, _TEST = "train.feat", "test.feat"

_DIGITS = 9
"""Digits that a number may have, so that it is one of 32 bits."""


def load(config: DatasetConfig, _data_dir: str, device: torch.device) -> Dataset:
    """Return the documents of ``config.path``, a file or a folder with one or both splits.

    A folder with ``train.feat`` and ``test.feat`` has its own splits; of one file, a share of the
    documents is the test split.

    Raises: DataError where a file is missing, or a line is no document.
    """
    if not isinstance(config, BagOfWordsConfig):
        raise TypeError("bag_of_words needs its own settings")
    path = Path(str(config.path)).expanduser()
    files = _files(path)
    words = _vocabulary(files[0].parent / _VOCABULARY)
    parts = [_read(file, len(words)) for file in files]
    labels = [label for _, part in parts for label in part]
    counts_NV = sparse.csr_array(sparse.vstack([counts for counts, _ in parts]))
    corpus = Corpus(counts_NV, labels if any(labels) else None, words, test=0)
    if len(parts) == 2:
        corpus = replace(corpus, test=len(parts[1][1]))
    else:
        corpus = split(corpus, config.test_share, config.test_seed)
    return dataset_of(config.name, f"'{path}'", most_frequent(corpus, config.vocabulary), device)


def _files(path: Path) -> list[Path]:
    """Return the files of the training and of the test split, or the one that there is."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"dataset.path: '{path}' does not exist")
    named = [path / name for name in (_TRAIN, _TEST) if (path / name).is_file()]
    found = named or sorted(path.glob("*.feat"))
    if not found or len(found) > 2 or (len(found) == 2 and not named):
        raise DataError(
            f"dataset.path: '{path}' has {len(found)} files of documents",
            f"{_TRAIN} and {_TEST}, or one file that ends in .feat",
        )
    return found


def _vocabulary(path: Path) -> tuple[str, ...]:
    """Return the words by their numbers.

    Raises: DataError where there are none, or a word has two numbers.
    """
    with reading(path):
        lines = path.read_text(encoding="utf-8").splitlines()
    place: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        word = line.split()[0]
        if word in place:
            where = f"on line {place[word]:,} and again on line {number:,}"
            raise DataError(f"'{path}' has the word '{word[:40]}' {where}")
        place[word] = number
    if not place:
        raise DataError(f"'{path}' has no words")
    return tuple(place)


def _read(path: Path, words: int) -> tuple[sparse.csr_array, list[str]]:
    """Return the counts of a file, (N, V), and the label of each document."""
    with reading(path):
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    rows: list[int] = []
    columns: list[int] = []
    values: list[int] = []
    labels: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        label = line[0] if ":" not in line[0] else ""
        for entry in line[1:] if label else line:
            word, count = _entry(entry, words, f"'{path}' line {number}")
            rows.append(len(labels))
            columns.append(word - 1)
            values.append(count)
        labels.append(label)
    if not labels:
        raise DataError(f"'{path}' has no documents")
    if any(labels) and not all(labels):
        raise DataError(f"'{path}' has documents with a label and documents without")
    try:
        return from_entries((rows, columns, values), len(labels), words), labels
    except UsageError as error:
        raise DataError(f"'{path}': {error.message}") from error


def _entry(entry: str, words: int, where: str) -> tuple[int, int]:
    """Return the number and the count of a word.

    Raises: DataError where the entry has none, or one that is too large; messages begin ``where``.
    """
    word, _, count = entry.partition(":")
    for number in (word, count):
        if number.isdecimal() and len(number) > _DIGITS:
            what = f"'{number[:20]}…', a number of {len(number):,} digits"
            raise DataError(f"{where} has {what}", f"{_DIGITS} are the most")
    if not (word.isdecimal() and count.isdecimal() and int(count) > 0):
        raise DataError(f"{where} has '{entry[:40]}' in the place of word:count")
    if not 1 <= int(word) <= words:
        raise DataError(f"{where} has word {word}, and the vocabulary has {words:,}")
    return int(word), int(count)
