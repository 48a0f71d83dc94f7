"""The rows of :mod:`runner.metric.quantities` that are about counts of words and topics."""

from __future__ import annotations

from runner.metric.quantity import Quantity

_PERPLEXITY, _COHERENCE, _DIVERSITY = "perplexity", "topic_coherence", "topic_diversity"

TOPIC_QUANTITIES: tuple[Quantity, ...] = (
    Quantity("scores/model/perplexity", "perplexity of test documents", "perplexity", "", "lower",
             _PERPLEXITY, column=20),
    Quantity("scores/model/perplexity/of_all_words",
             "perplexity of all words of the test documents together", "perplexity of all words",
             "", "lower", _PERPLEXITY),
    Quantity("scores/model/topic_coherence", "coherence of topics, NPMI", "NPMI", "", "higher",
             _COHERENCE, column=21),
    Quantity("scores/model/topic_coherence/median", "median coherence of a topic, NPMI",
             "median NPMI", "", "higher", _COHERENCE),
    Quantity("scores/model/topic_coherence/correlated",
             "coherence of the most correlated topics, NPMI", "NPMI of correlated topics", "",
             "higher", _COHERENCE),
    Quantity("scores/model/topic_coherence/group/<group>",
             "coherence of the topics of <group>, NPMI",
             "NPMI of <group>", "", "higher", _COHERENCE),
    Quantity("scores/model/topic_diversity", "share of different words among top words of topics",
             "topic diversity", "", "higher", _DIVERSITY, column=22),
)  # fmt: skip
