"""Topics of a model of counts: the words of each variable, and how well they go together.

Shapes: K topics, V words of the vocabulary, S words of interest, D documents, T top words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from runner import progress
from runner.dataset import COUNTS, Dataset, Split
from runner.dataset.text.reference import REFERENCE, reference_documents
from runner.errors import UsageError
from runner.evaluation.representation import HasLoadings, Representation
from runner.metric import npmi

_CHUNK = 2000

_SHOWN = 5
"""Words that a line names."""


@dataclass(frozen=True)
class Topics:
    """The words of every topic, which is a continuous variable of a model."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    """The group of each topic."""
    order_KV: NDArray[np.int64]
    """The words of each topic by number, from the one that it favours most."""
    words: tuple[str, ...]
    """The vocabulary."""
    device: torch.device
    """That of the model and of the data."""

    def top(self, count: int) -> NDArray[np.int64]:
        """Return the numbers of the first words of each topic, (K, T)."""
        return self.order_KV[:, :count]

    def top_words(self, topic: int, count: int) -> list[str]:
        """Return the first words of a topic."""
        return [self.words[v] for v in self.order_KV[topic, :count]]


def topics_of(model: Representation, dataset: Dataset, what: str) -> Topics:
    """Return the topics of a model of counts.

    ``what`` needs them: its name in messages.

    Raises: UsageError for other data, and for a model that does not weigh words.
    """
    require_counts(dataset, what)
    if not isinstance(model, HasLoadings):
        raise UsageError(f"{what} needs the weights of words on variables, which the model lacks")
    columns = {n: part for n, part in model.columns.items() if n not in model.category_values}
    loadings_WV = model.loadings().cpu()
    loadings_KV = torch.cat([loadings_WV[part] for part in columns.values()])
    if loadings_KV.shape != (len(columns), len(dataset.value_names)):
        raise UsageError(f"{what} needs a name for every value, and {dataset.name} has none")
    order_KV = loadings_KV.argsort(dim=1, descending=True, stable=True).numpy()
    group = _groups(model)
    names = tuple(columns)
    groups = tuple(group.get(name, "") for name in names)
    return Topics(names, groups, order_KV, dataset.value_names, model.device)


def require_counts(dataset: Dataset, what: str) -> None:
    """Refuse data that are not counts of words.

    Raises: UsageError.
    """
    if dataset.kind is not COUNTS:
        raise UsageError(
            f"{what} is of counts of words, and {dataset.name} has {dataset.kind.name}"
        )


def _groups(model: Representation) -> dict[str, str]:
    """Return the name of the group of each variable, where there are groups."""
    if model.latents is None:
        return {}
    names, tree = model.latents.variable_names, model.latents.tree
    groups = zip(model.latents.group_names, tree.children, strict=True)
    return {names[v]: group for group, node in groups for v in node.variables}


def coherences(
    topics: Topics, dataset: Dataset, *, words: int, reference: str | None, window: int | None
) -> list[float]:
    """Return the mean NPMI of the top words of each topic, (K,).

    Words that do not occur in a reference are left out, which is said. A topic that has fewer than
    two others is nan.

    Args:
        topics: those of a model.
        dataset: its documents, training and test, are what words occur in without a reference.
        words: the number of top words.
        reference: a file with a document per line, or a folder of files.
        window: words of a window of the reference; None: the whole document.

    Raises: UsageError where there is no such reference, it has no two words of any topic, or there
        is a window without one.
    """
    if window is not None and reference is None:
        raise UsageError(
            "metrics.topic_coherence.window needs a reference, since counts have no order of words"
        )
    top_KT = topics.top(words)
    if top_KT.shape[1] < 2:
        raise UsageError("topic_coherence needs two words")
    wanted_S, place = np.unique(top_KT, return_inverse=True)
    place_KT = place.reshape(top_KT.shape)
    if reference is None:
        occurs_DS = _in_documents(dataset, wanted_S, topics.device)
        return npmi.topic_coherence(npmi.npmi(occurs_DS), place_KT)
    named = [topics.words[v] for v in wanted_S]
    occurs_DS = npmi.windows(reference_documents(reference, topics.words), named, window)
    return _in_reference(reference, occurs_DS, named, place_KT)


def _in_reference(
    reference: str, occurs_DS: sparse.csr_array, named: list[str], place_KT: NDArray[np.int64]
) -> list[float]:
    """Return the mean NPMI of the words of each topic that occur, (K,), and say which do not."""
    npmi_SS = npmi.npmi(occurs_DS)
    is_missing_S = np.asarray(occurs_DS.sum(axis=0)).ravel() == 0
    npmi_SS[is_missing_S] = npmi_SS[:, is_missing_S] = np.nan
    values_K = npmi.topic_coherence(npmi_SS, place_KT)
    without = int(np.isnan(values_K).sum())
    if without == len(values_K):
        raise UsageError(f"{REFERENCE}: '{reference}' has no two top words of any topic")
    missing = [word for word, is_missing in zip(named, is_missing_S, strict=True) if is_missing]
    if missing:
        few = ", ".join(f"'{word}'" for word in missing[:_SHOWN])
        which = few if len(missing) <= _SHOWN else f"among them {few}"
        topics = f", and {without} of {len(values_K)} topics, which have fewer than two others"
        words = f"{len(missing)} of {len(named)} top words that '{reference}' lacks, {which}"
        progress.left_out(words + (topics if without else ""))
    return values_K


def _in_documents(
    dataset: Dataset, wanted_S: NDArray[np.int64], device: torch.device
) -> sparse.csr_array:
    """Return whether each word occurs in each document, (D, S), ones and zeros."""
    splits = [dataset.train, dataset.test] if dataset.has_test_split else [dataset.test]
    parts = [part for split in splits for part in _occurrences(split, wanted_S, device)]
    return sparse.csr_array(sparse.vstack(parts))


def _occurrences(
    split: Split, wanted_S: NDArray[np.int64], device: torch.device
) -> Iterator[sparse.csr_array]:
    chunks = torch.arange(split.size, device=device).split(_CHUNK)
    for chunk in progress.counted(chunks, "counting words", len(chunks)):
        counts_DV = split.images(chunk).flatten(1).cpu().numpy()
        yield sparse.csr_array(counts_DV[:, wanted_S] > 0, dtype=np.float64)


def correlated_pairs(codes_DK: NDArray[np.float64], count: int) -> list[tuple[int, int, float]]:
    """Return the pairs of topics whose codes are most correlated over documents, (i, j, r).

    The most correlated ones come first. A topic whose codes do not vary is in none.
    """
    alive_K = np.flatnonzero(codes_DK.std(axis=0) > 0)
    if len(alive_K) < 2:
        return []
    correlation_KK: NDArray[np.float64] = np.atleast_2d(
        np.corrcoef(codes_DK[:, alive_K], rowvar=False)
    )
    first, second = np.triu_indices(len(alive_K), k=1)
    order = np.argsort(-correlation_KK[first, second], kind="stable")[:count]
    return [
        (int(alive_K[i]), int(alive_K[j]), float(correlation_KK[i, j]))
        for i, j in zip(first[order], second[order], strict=True)
    ]
