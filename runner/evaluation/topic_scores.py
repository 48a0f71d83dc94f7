"""Scores of models of counted words: perplexity, and coherence and diversity of topics.

Shapes: N documents, B documents of a chunk, P parameters of q(z|x), V words, K topics.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import torch
from torch import Generator, Tensor

from runner import progress
from runner.dataset import Dataset
from runner.evaluation.averages import WithErrors, ratio_error, standard_error
from runner.evaluation.encodings import choose, encode
from runner.evaluation.representation import Representation, densities_of
from runner.evaluation.topics import Topics, coherences, correlated_pairs, require_counts, topics_of

_CHUNK = 200
_ENCODED = 10_000
"""Documents behind the correlation of topics."""

_PAIRS = 3
"""Pairs of topics that are the most correlated ones, as the sources show them."""


@torch.no_grad()
def perplexity(
    model: Representation, dataset: Dataset, source: Generator, *, documents: int, samples: int
) -> WithErrors:
    """Return exp of the mean over test documents of -ELBO/N, where N words are in a document.

    ``perplexity/of_all_words`` divides the sum of all -ELBO by the number of all words. The rate is
    in closed form where there is one, and E log p(x|z) the mean of ``samples`` samples of z. The
    second result has the standard errors of both, those over documents carried through exp; NaN of
    a single document.

    Raises: UsageError for other data than counts, and a deterministic code.
    Source: Miao et al. 2016; Srivastava and Sutton 2017.
    """
    require_counts(dataset, "perplexity")
    latents = densities_of(model, "perplexity")
    split = dataset.test
    parts: list[tuple[Tensor, Tensor]] = []
    chunks = choose(split.size, documents, source).split(_CHUNK)
    for chunk_B in progress.counted(chunks, "perplexity", len(chunks)):
        counts_B11V = split.images(chunk_B)
        parameters_BP = model.encode(counts_B11V)
        elbo_B = torch.zeros(len(chunk_B), device=chunk_B.device, dtype=torch.float64)
        for _ in range(samples):
            z_BW = model.sample(parameters_BP, source)
            rate_B = latents.rate(z_BW, parameters_BP)
            elbo_B += (model.log_px_z(counts_B11V, z_BW) - rate_B) / samples
        parts.append((elbo_B.cpu(), counts_B11V.flatten(1).sum(1).double().cpu()))
    elbo_N, words_N = (torch.cat(column) for column in zip(*parts, strict=True))
    per_word_N = -elbo_N / words_N
    of_documents = math.exp(float(per_word_N.mean()))
    of_all_words = math.exp(float(-elbo_N.sum() / words_N.sum()))
    return {"perplexity": of_documents, "perplexity/of_all_words": of_all_words}, {
        "perplexity": of_documents * float(standard_error(per_word_N)),
        "perplexity/of_all_words": of_all_words * ratio_error(-elbo_N, words_N),
    }


def topic_coherence(  # noqa: PLR0913 - its settings by keyword
    model: Representation,
    dataset: Dataset,
    source: Generator,
    *,
    words: int,
    reference: str | None,
    window: int | None,
) -> WithErrors:
    """Return the mean over topics of the mean NPMI of the pairs of a topic's top words.

    ``topic_coherence/correlated`` is the mean over the topics of the three most correlated pairs,
    and ``topic_coherence/group/NAME`` that over a group, where there are several. A topic with
    fewer than two top words in the reference is in none of these. The second result has the
    standard errors of the means over topics; NaN of a single topic.

    Raises: UsageError for other data than counts, or a reference that is not there or lacks the
        words.
    Source: Lau et al. 2014.
    """
    topics = topics_of(model, dataset, "topic_coherence")
    values_K = coherences(topics, dataset, words=words, reference=reference, window=window)
    name = "topic_coherence"
    of_topics = {name: _known(values_K)}
    encoded = encode(model, dataset.test, _ENCODED, source)
    codes_NK = model.continuous_part(encoded.mean_MW).cpu().double().numpy()
    pairs = correlated_pairs(codes_NK, _PAIRS)
    among = sorted({topic for i, j, _ in pairs for topic in (i, j)})
    of_topics[f"{name}/correlated"] = _known(values_K[k] for k in among)
    for group, values in _by_group(topics, values_K).items():
        of_topics[f"{name}/group/{group}"] = _known(values)
    numbers, errors = (
        {
            each: float(statistic(torch.tensor(known, dtype=torch.float64)))
            for each, known in of_topics.items()
            if known
        }
        for statistic in (torch.mean, standard_error)
    )
    return numbers | {f"{name}/median": float(np.median(of_topics[name]))}, errors


def _by_group(topics: Topics, values_K: list[float]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for group, value in zip(topics.groups, values_K, strict=True):
        groups[group].append(value)
    return groups if 1 < len(groups) < len(values_K) else {}


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def topic_diversity(
    model: Representation, dataset: Dataset, _: Generator, *, words: int
) -> WithErrors:
    """Return the share of different words among the top words of all topics, from 1/K to 1.

    Nothing in it is drawn, so that it has no standard error.

    Raises: UsageError for other data than counts.
    Source: Dieng et al. 2020.
    """
    top_KT = topics_of(model, dataset, "topic_diversity").top(words)
    return {"topic_diversity": len(np.unique(top_KT)) / top_KT.size}, {}
