"""``dataset=texts``: documents that are text files, and the counting of their words.

Shapes: N documents, V words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from runner import progress
from runner.config import DatasetConfig, NewsgroupsConfig, TextsConfig
from runner.dataset.archive.guarded_reading import reading
from runner.dataset.splits import Dataset
from runner.dataset.text.corpus import Corpus, dataset_of, split
from runner.errors import DataError

WORD = r"(?u)\b[^\W\d_]{3,}\b"
"""What counts as a word: three letters or more, of any alphabet, in lower case."""


def load(config: DatasetConfig, _data_dir: str, device: torch.device) -> Dataset:
    """Return the text files below ``config.path``, one a document; subfolders are classes.

    A class has the name of its folder, with those that it lies in. The vocabulary is that of the
    training documents.

    Raises: DataError where there are none, or none has a word.
    """
    if not isinstance(config, TextsConfig):
        raise TypeError("texts needs its own settings")
    root = Path(str(config.path)).expanduser()
    found = dict(texts_below(root, progress.say))
    texts = list(found.values())
    folders = [file.rpartition("/")[0] for file in found]
    labels = folders if all(folders) and len(set(folders)) > 1 else None
    # In the order of the splits before the vocabulary is that of the first one.
    place_N1 = sparse.csr_array(np.arange(1, len(texts) + 1)[:, None])
    order = split(Corpus(place_N1, labels, ("",), 0), config.test_share, config.test_seed)
    ordered = [texts[n - 1] for n in order.counts_NV.toarray()[:, 0]]
    corpus = counted(ordered, order.labels, order.test, config)
    return dataset_of(config.name, f"'{root}'", corpus, device)


def texts_below(
    root: Path, say: Callable[[str], None], setting: str = "dataset.path"
) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of the text files below a folder, by their sorted paths within it.

    Hidden files are left out, and so are files that are not text, of which ``say`` is told.
    ``setting`` names the folder in messages.

    Raises: DataError when there is no folder, or no text in it.
    """
    others: list[str] = []
    for file in (files := _files_below(root, setting)):
        text = _text_of(root / file)
        if text is None:
            others.append(file)
        else:
            yield file, text
    if len(others) == len(files):
        raise DataError(f"{setting}: there is no text in '{root}'", "a file for each document")
    if others:
        count = "1 file is" if len(others) == 1 else f"{len(others):,} files are"
        say(f"{count} not text and left out, among them '{others[0]}'")


def _files_below(root: Path, setting: str) -> list[str]:
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"{setting}: '{root}' {what}")
    found = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return sorted(
        path.as_posix() for path in found if not any(p.startswith(".") for p in path.parts)
    )


def read_text(path: Path) -> str:
    """Return the text of a file; bytes that are not UTF-8 are taken for Latin-1.

    Raises: DataError where it is missing, or no text.
    """
    text = _text_of(path)
    if text is None:
        raise DataError(f"'{path}' is not a text file")
    return text


def _text_of(path: Path) -> str | None:
    """Return the text of a file, or None where it is none: it has a byte that no text has.

    Raises: DataError where it cannot be read.
    """
    with reading(path):
        content = path.read_bytes()
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _no_words(least: int) -> DataError:
    if least == 1:
        message = "no text has a word of three letters or more that is not left out"
        return DataError(message, "dataset.stop_words=null leaves none out")
    message = f"no word occurs in dataset.least_documents={least} documents"
    return DataError(message, "dataset.least_documents=1 keeps all words")


def counted(
    texts: Sequence[str],
    labels: Sequence[str] | None,
    test: int,
    config: TextsConfig | NewsgroupsConfig,
) -> Corpus:
    """Return the counts of texts, the last ``test`` of which are not asked for their vocabulary.

    Raises: DataError when no word is left.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    train = len(texts) - test
    counter = CountVectorizer(
        token_pattern=WORD,
        stop_words=config.stop_words,
        max_features=config.vocabulary,
        min_df=min(config.least_documents, train),
    )
    try:
        counter.fit(texts[:train])
    except ValueError as error:  # an empty vocabulary
        raise _no_words(config.least_documents) from error
    counts_NV = sparse.csr_array(counter.transform(texts))
    words = tuple(str(word) for word in counter.get_feature_names_out())
    return Corpus(counts_NV, labels, words, test)
