"""Tables of text that say what a model has learned, where numbers do not: topics by their words.

Shapes: N documents, K topics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from runner.dataset import COUNTS, Dataset
from runner.errors import UsageError
from runner.evaluation.encodings import Encodings
from runner.evaluation.representation import Representation
from runner.evaluation.topics import Topics, coherences, correlated_pairs, topics_of

_WORDS = 10
"""Top words of a topic that are shown, and behind its NPMI."""

_PAIRS = 10
_SHOWN = 10


@dataclass(frozen=True)
class TextTable:
    """Rows of words and numbers, which are kept in a file and shown."""

    name: str
    """Of its file and its figure."""
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str | float, ...]]
    shown: int = _SHOWN
    """Rows that a terminal shows, the first ones."""


def text_tables(
    model: Representation, dataset: Dataset, encodings: Encodings
) -> Iterator[TextTable]:
    """Yield the tables that there are for a model and data of this kind."""
    for kind, tables in _TABLES.items():
        if kind == dataset.kind.name:
            yield from tables(model, dataset, encodings)


def _of_topics(
    model: Representation, dataset: Dataset, encodings: Encodings
) -> Iterator[TextTable]:
    """Yield the topics, the most coherent ones first, and those that occur together most."""
    try:
        topics = topics_of(model, dataset, "a table of topics")
    except UsageError:  # a model that does not weigh words
        return
    words = min(_WORDS, len(topics.words))
    npmi_K = coherences(topics, dataset, words=words, reference=None, window=None)
    order_K = sorted(range(len(npmi_K)), key=lambda k: -npmi_K[k])
    what = "by the NPMI of their top words in the documents"
    yield TextTable(
        "topics",
        f"{len(order_K)} topics {what}",
        ("topic", "group", "NPMI", "top words"),
        [(topics.names[k], topics.groups[k], npmi_K[k], _words(topics, k)) for k in order_K],
    )
    codes_NK = model.continuous_part(encodings.mean_MW).cpu().double().numpy()
    pairs = enumerate(correlated_pairs(codes_NK, _PAIRS), start=1)
    yield TextTable(
        "correlated_topics",
        "pairs of topics whose codes are most correlated over documents",
        ("pair", "correlation", "topic", "NPMI", "top words"),
        [
            (str(number), r, topics.names[k], npmi_K[k], _words(topics, k))
            for number, (i, j, r) in pairs
            for k in (i, j)
        ],
        shown=6,
    )


def _words(topics: Topics, topic: int) -> str:
    return " ".join(topics.top_words(topic, _WORDS))


_TABLES: dict[str, Callable[[Representation, Dataset, Encodings], Iterator[TextTable]]] = {
    COUNTS.name: _of_topics
}
"""Kind of data → the tables of a model of it."""
