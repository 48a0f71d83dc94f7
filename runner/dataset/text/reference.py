"""Texts in which words are looked for, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runner.dataset.text.texts import WORD, find_texts, read_text
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
            texts = (read_text(place / name) for name in find_texts(place))
        else:
            texts = iter(read_text(place).splitlines())
        for text in texts:
            yield _WORD.findall(text.lower())
    except DataError as error:
        raise UsageError(f"metrics.topic_coherence.reference: {error.message}") from error
