"""How often words occur together: normalised pointwise mutual information (NPMI).

Shapes: D units of text (documents or windows), S words of interest, K topics, T top words of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def npmi(occurs_DS: sparse.csr_array) -> NDArray[np.float64]:
    """Return the NPMI of every pair of words, (S, S), from -1 to 1; the diagonal means nothing.

    NPMI = log(p(i, j) / (p(i) p(j))) / -log p(i, j), where p is the share of units in which words
    occur. It is -1 for words that never occur together, which is its limit, and 1 for words that
    occur together in every unit.

    Args:
        occurs_DS: whether each word occurs in each unit, ones and zeros.

    Source: Bouma 2009.
    """
    units = cast("tuple[int, int]", occurs_DS.shape)[0]
    ones_DS = occurs_DS.astype(np.float64)
    together_SS = (ones_DS.T @ ones_DS).toarray() / units
    alone_S = together_SS.diagonal()
    with np.errstate(divide="ignore", invalid="ignore"):
        log_joint_SS = np.log(together_SS)
        log_alone_S = np.log(alone_S)
        gain_SS = log_joint_SS - log_alone_S[:, None] - log_alone_S
        found_SS = gain_SS / -log_joint_SS
    found_SS[together_SS == 1] = 1.0
    found_SS[together_SS == 0] = -1.0
    return found_SS


def topic_coherence(npmi_SS: NDArray[np.float64], topics_KT: NDArray[np.int64]) -> list[float]:
    """Return the mean NPMI over the pairs of the top words of each topic, (K,).

    It is nan where there is no pair.

    Args:
        npmi_SS: of every pair of words; pairs that are nan are left out.
        topics_KT: the places of the top words in it.

    Source: Lau et al. 2014.
    """
    first, second = np.triu_indices(topics_KT.shape[1], k=1)
    pairs_KP = npmi_SS[topics_KT[:, first], topics_KT[:, second]]
    known_KP = ~np.isnan(pairs_KP)
    return [
        float(pairs_P[known_P].mean()) if known_P.any() else math.nan
        for pairs_P, known_P in zip(pairs_KP, known_KP, strict=True)
    ]


def windows(
    documents: Iterable[Sequence[str]], words: Sequence[str], size: int | None
) -> sparse.csr_array:
    """Return whether each word occurs in each window of so many words, (D, S), ones and zeros.

    A window begins at each word of a document as long as it lies within; a shorter document is one
    window. ``size`` None: each document is one.
    """
    place = {word: s for s, word in enumerate(words)}
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    first = 0
    for tokens in documents:
        count = 1 if size is None else max(1, len(tokens) - size + 1)
        width = len(tokens) if size is None else size
        for at, token in enumerate(tokens):
            if token in place:
                seen = np.arange(max(0, at - width + 1), min(at, count - 1) + 1)
                rows.append(first + seen)
                columns.append(np.full(len(seen), place[token]))
        first += count
    return _ones(rows, columns, (max(first, 1), len(words)))


def _ones(
    rows: list[NDArray[np.int64]], columns: list[NDArray[np.int64]], shape: tuple[int, int]
) -> sparse.csr_array:
    if not rows:
        return sparse.csr_array(shape)
    where = np.concatenate(rows), np.concatenate(columns)
    found = sparse.csr_array((np.ones(len(where[0])), where), shape=shape)
    found.data[:] = 1  # a word that occurs twice in a window
    return found
