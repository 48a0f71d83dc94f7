"""Texts in which words are looked for, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runner import progress
from runner.dataset.text.texts import WORD, read_text, texts_below
from runner.errors import DataError, UsageError

_WORD = re.compile(WORD)


def reference_documents(path: str) -> Iterator[list[str]]:
    """Yield the words of each document: a line of a file, or a file below a folder.

    Words are told apart as ``dataset=texts`` does.

    Raises: UsageError where there are none.
    """
    place = Path(path).expanduser()
    try:
        if place.is_dir():
            texts = (text for _, text in texts_below(place, progress.left_out))
        else:
            texts = iter(read_text(place).splitlines())
        for text in texts:
            yield _WORD.findall(text.lower())
    except DataError as error:
        raise UsageError(f"metrics.topic_coherence.reference: {error.message}") from error
