"""NPMI against co-occurrences that are counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import sparse

from runner.metric.npmi import npmi, topic_coherence, windows

# Four documents, three words: the first two occur together twice, the third alone.
OCCURS = sparse.csr_array(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=float))


def test_the_npmi_of_words_that_are_counted_by_hand():
    found_SS = npmi(OCCURS)
    p_first, p_second, p_both = 3 / 4, 2 / 4, 2 / 4
    expected = math.log(p_both / (p_first * p_second)) / -math.log(p_both)
    assert found_SS[0, 1] == found_SS[1, 0] == pytest.approx(expected, abs=1e-14)


def test_words_that_never_occur_together_have_the_least():
    assert npmi(OCCURS)[0, 2] == npmi(OCCURS)[2, 1] == -1


def test_words_that_occur_in_every_document_have_the_most():
    assert npmi(sparse.csr_array(np.ones((3, 2))))[0, 1] == 1


def test_words_that_only_occur_together_have_the_most():
    occurs = sparse.csr_array(np.array([[1, 1], [0, 0], [0, 0]], dtype=float))
    assert npmi(occurs)[0, 1] == pytest.approx(1, abs=1e-14)


def test_independent_words_have_zero():
    occurs = sparse.csr_array(np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=float))
    assert npmi(occurs)[0, 1] == pytest.approx(0, abs=1e-14)


def test_a_word_that_never_occurs_has_the_least():
    occurs = sparse.csr_array(np.array([[1, 0], [1, 0]], dtype=float))
    assert npmi(occurs)[0, 1] == -1


def test_the_coherence_of_a_topic_is_the_mean_over_its_pairs():
    npmi_SS = np.array([[9, 0.5, 0.1], [0.5, 9, -0.3], [0.1, -0.3, 9]])
    found = topic_coherence(npmi_SS, np.array([[0, 1, 2], [2, 1, 0]]))
    assert found == pytest.approx([0.1, 0.1])


def test_pairs_that_are_not_known_are_left_out_of_a_topic():
    nan = math.nan
    npmi_SS = np.array([[9, 0.5, nan], [0.5, 9, nan], [nan, nan, nan]])
    found = topic_coherence(npmi_SS, np.array([[0, 1, 2], [2, 2, 2]]))
    assert found[0] == pytest.approx(0.5)
    assert math.isnan(found[1])


def by_hand(documents: list[list[str]], words: list[str], size: int) -> list[list[int]]:
    rows = []
    for tokens in documents:
        for start in range(max(1, len(tokens) - size + 1)):
            inside = tokens[start : start + size]
            rows.append([int(word in inside) for word in words])
    return rows


@pytest.mark.parametrize("size", [2, 3, 5, 100])
def test_windows_slide_over_every_document(size: int):
    source = np.random.default_rng(0)
    documents = [[str(w) for w in source.integers(6, size=n)] for n in (0, 1, 4, 5, 23)]
    words = ["3", "0", "5", "7"]
    found = windows(documents, words, size).toarray()
    assert found.astype(int).tolist() == by_hand(documents, words, size)


def test_without_a_window_a_document_is_one():
    documents = [["a", "b", "a"], ["c"], []]
    assert windows(documents, ["a", "c"], None).toarray().tolist() == [[1, 0], [0, 1], [0, 0]]
