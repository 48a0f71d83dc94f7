"""Counts of words from a file: what is read, how it is split, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import COUNTS, load
from runner.dataset.text.corpus import from_entries
from runner.errors import DataError, UsageError
from tests.word_counts import WORDS, corpus, write_bag_of_words

CPU = torch.device("cpu")


@pytest.fixture
def read(composed: Callable[..., RunConfig]):
    def read_from(path: Path, *overrides: str):
        config = composed("dataset=bag_of_words", f"dataset.path={path}", *overrides)
        return load(config.dataset, "data", CPU)

    return read_from


def write(folder: Path, documents: str, vocabulary: str = "one\ntwo\nthree\n") -> Path:
    (folder / "vocab.txt").write_text(vocabulary)
    (folder / "docs.feat").write_text(documents)
    return folder


def test_every_document_is_in_one_split_with_its_counts_and_its_class(read, tmp_path: Path):
    written = corpus(50)
    write_bag_of_words(tmp_path, written)
    found = read(tmp_path, "dataset.test_share=0.2")
    assert (found.train.size, found.test.size, found.shape) == (40, 10, (1, 1, len(WORDS)))
    assert (found.kind, found.value_names, found.classes) == (COUNTS, WORDS, 2)
    rows = [
        (*split.images(torch.arange(split.size)).flatten(1).tolist(),)
        for split in (found.train, found.test)
    ]
    every = torch.arange(50)
    assert sorted([*rows[0], *rows[1]]) == sorted(written.train.images(every).flatten(1).tolist())
    hockey = found.train.factors(torch.arange(40))[:, 0] == 0
    counts_NV = found.train.images(torch.arange(40)).flatten(1).float()
    assert counts_NV[hockey, :3].mean() > 10 * counts_NV[hockey, 3:6].mean()


def test_the_split_depends_on_its_seed_and_on_nothing_else(read, tmp_path: Path):
    write_bag_of_words(tmp_path, corpus(50))
    digests = [read(tmp_path, f"dataset.test_seed={seed}").digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_two_files_are_the_two_splits(read, tmp_path: Path):
    write(tmp_path, "")
    (tmp_path / "train.feat").write_text("a 1:2 3:1\nb 2:1\na 1:1\n")
    (tmp_path / "test.feat").write_text("b 3:4\na 1:1\n")
    found = read(tmp_path)
    assert found.train.images(torch.arange(3)).flatten(1).tolist() == [
        [2, 0, 1], [0, 1, 0], [1, 0, 0],
    ]  # fmt: skip
    assert found.test.images(torch.tensor([0])).flatten().tolist() == [0, 0, 4]
    assert found.class_names == ("a", "b")


def test_documents_without_labels_have_no_factors(read, tmp_path: Path):
    found = read(write(tmp_path, "1:1\n2:2\n3:1 1:1\n2:1\n"), "dataset.test_share=0")
    assert (found.factors, found.class_factor, found.has_test_split) == ((), None, False)
    assert found.labels(found.train, torch.arange(4))[1].sum() == 0


def test_a_document_without_a_word_of_the_vocabulary_is_left_out(read, tmp_path: Path):
    folder = write(tmp_path, "a 1:9\nb 3:1\na 1:5 2:6\nb\n")
    found = read(folder, "dataset.test_share=0", "dataset.vocabulary=2")
    assert found.value_names == ("one", "two")
    assert found.train.images(torch.arange(2)).flatten(1).sum().item() == 20


def test_classes_that_are_numbers_are_in_their_order(read, tmp_path: Path):
    found = read(write(tmp_path, "10 1:1\n2 1:1\n1 1:1\n"), "dataset.test_share=0")
    assert found.class_names == ("1", "2", "10")


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("a 1:1\nb 4:1\n", "line 2 has word 4, and the vocabulary has 3"),
        ("a 1:1\nb 0:1\n", "line 2 has word 0"),
        ("a 1:1\nb one:1\n", "'one:1' in the place of word:count"),
        ("a 1:1\nb 1:-1\n", "'1:-1' in the place of word:count"),
        ("a 1:1\nb 1\n", "'1' in the place of word:count"),
        ("a 1:1\n2:1\n", "documents with a label and documents without"),
        ("a 1:1\nb 1:9999999999\n", r"docs.feat' line 2 has '9999999999…', a number of 10 digits"),
        (f"a 1:1\nb 1:{'9' * 5000}\n", r"docs.feat' line 2 has '9+…', a number of 5,000 digits"),
        (f"a 1:1\nb {'9' * 5000}:1\n", r"docs.feat' line 2 has '9+…', a number of 5,000 digits"),
        ("a 1:1\nb" + " 1:999999999" * 3 + "\n", "a word occurs more than 2,147,483,647 times"),
        ("", "has no documents"),
        ("a 1:1\nb\n", "fewer than 2 training documents"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(read, tmp_path: Path, documents, message):
    with pytest.raises(DataError, match=message) as refused:
        read(write(tmp_path, documents), "dataset.test_share=0")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("digits", [10, 23, 5000])
def test_a_count_beyond_32_bits_is_refused(digits: int):
    with pytest.raises(UsageError, match="a word occurs more than 2,147,483,647 times"):
        from_entries(([0], [0], [10**digits]), 1, 1)


def test_classes_that_are_the_same_number_are_in_a_fixed_order(read, tmp_path: Path):
    long = "9" * 5000
    found = read(write(tmp_path, f"1 1:1\n01 1:1\n{long} 1:1\nx 1:1\n"), "dataset.test_share=0")
    assert found.class_names == ("01", "1", long, "x")


def test_a_word_that_is_in_the_vocabulary_twice_is_named_with_its_lines(read, tmp_path: Path):
    write(tmp_path, "a 1:1\nb 2:1\n", "one 5\n\ntwo\nthree\ntwo 7\none\n")
    with pytest.raises(DataError) as refused:
        read(tmp_path)
    where = f"'{tmp_path / 'vocab.txt'}' has the word 'two' on line 3 and again on line 5"
    assert refused.value.message == where


def test_what_is_missing_is_named(read, tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has 0 files of documents"):
        read(tmp_path)
    (tmp_path / "docs.feat").write_text("a 1:1\n")
    with pytest.raises(DataError, match=r"vocab.txt' is missing"):
        read(tmp_path)
