"""Texts in which words are looked for, in their order."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from runner import progress
from runner.dataset.text.texts import read_text, texts_below
from runner.errors import DataError, UsageError, nearest
from runner.files import refuse_others

REFERENCE = "metrics.topic_coherence.reference"

_LETTER = r"[^\W_]"
"""A letter of any alphabet, or a digit."""


def reference_documents(path: str, vocabulary: Sequence[str]) -> Iterator[list[str]]:
    """Yield the words of each document: a line of a file, or a file below a folder.

    A word is letters and digits in a row, in lower case. A word of the vocabulary is found as it is
    written there, such as ``e-mail``, and comes in that spelling.

    Raises: UsageError where there is no text.
    """
    cut = _cutter(vocabulary)
    try:
        for text in _texts(path, progress.left_out):
            yield cut(text)
    except DataError as error:
        raise UsageError(error.message, error.hint) from error


def require_reference(path: str, vocabulary: Sequence[str]) -> None:
    """Refuse texts that cannot be read, or in which no word of the vocabulary occurs.

    Without a vocabulary any text will do. No more is read than up to the first word.

    Raises: DataError.
    """
    cut, wanted = _cutter(vocabulary), set(vocabulary)
    for text in _texts(path):
        if not wanted or not wanted.isdisjoint(cut(text)):
            return
    what = "none of the words of the dataset" if wanted else "no text"
    raise DataError(f"{REFERENCE}: '{path}' has {what}", _hint(Path(path)))


def reference_digest(path: str) -> str:
    """Return the SHA-256 of the texts of a reference.

    Raises: DataError where there are none.
    """
    found = hashlib.sha256()
    for text in _texts(path):
        found.update(text.encode())
        found.update(b"\0")  # which no text has
    return found.hexdigest()


def _texts(path: str, say: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """Yield the documents.

    Raises: DataError.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        yield from (text for _, text in texts_below(place, say, REFERENCE))
        return
    try:
        refuse_others(place, place)
        lines = read_text(place).splitlines()
    except DataError as error:
        raise DataError(f"{REFERENCE}: {error.message}", _hint(place)) from error
    yield from lines


def _hint(place: Path) -> str:
    """Return what could have been meant, or what a reference is."""
    beside = place.parent
    names = [str(beside / each.name) for each in beside.iterdir()] if beside.is_dir() else []
    similar = None if place.exists() else nearest(str(place), names)
    return similar or "a text file with a document per line, or a folder of text files"


def _cutter(vocabulary: Sequence[str]) -> Callable[[str], list[str]]:
    """Return what cuts a text into words, among which is every word of the vocabulary.

    The text is taken in lower case, but where two words of the vocabulary differ by their case
    alone: there a word is the one that it equals, or else the one that it equals in lower case.
    """
    spelling = {word.lower(): word for word in vocabulary}
    has_case = len(spelling) < len(set(vocabulary))
    lower = list(spelling)
    spelling |= {word: word for word in vocabulary}
    letter = _letter(lower)
    ordinary = re.compile(f"{letter}+")
    others = [word for word in lower if not ordinary.fullmatch(word)]
    others.sort(key=len, reverse=True)  # of two that begin alike, the longer one
    alone = [_alone(word, letter) for word in others]
    word = re.compile("|".join([*alone, ordinary.pattern]), re.IGNORECASE)

    def cut(text: str) -> list[str]:
        found: list[str] = word.findall(text if has_case else text.lower())
        return [spelling.get(each) or spelling.get(each.lower(), each.lower()) for each in found]

    return cut


def _letter(words: Iterable[str]) -> str:
    """Return the pattern of a letter: also of the marks within the words, as Devanagari has."""
    marks = {sign for word in words for sign in word if _is_mark(sign)}
    return f"(?:{_LETTER}|[{''.join(sorted(marks))}])" if marks else _LETTER


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign).startswith("M")


def _alone(word: str, letter: str) -> str:
    """Return the pattern of a word with other signs, which is no part of a longer one."""
    before, after = (sign.isalnum() or _is_mark(sign) for sign in (word[0], word[-1]))
    begin, end = f"(?<!{letter})" if before else "", f"(?!{letter})" if after else ""
    return begin + re.escape(word) + end
