"""Topics of a model, their scores against plain computations, and their tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import COUNTS, Dataset
from runner.errors import UsageError
from runner.evaluation import encode
from runner.evaluation.text_tables import text_tables
from runner.evaluation.topic_scores import perplexity, topic_coherence, topic_diversity
from runner.evaluation.topics import Topics, coherences, correlated_pairs, topics_of
from runner.model import VaeRepresentation, build
from runner.progress import listening
from tests.conftest import represent
from tests.word_counts import WORDS, corpus

SUBJECTS = [[4.0, 3, 2, 0, 0, 0, 0, 0], [0, 0, 0, 2, 3, 4.0, 0, 0]]


@pytest.fixture
def model(composed: Callable[..., RunConfig]) -> VaeRepresentation:
    """Two topics, whose top words are those of the two subjects."""
    config = composed(
        "architecture=nvdm", "architecture.widths=[4]", "prior=dirichlet_laplace",
        "prior.dimensions=2", "prior.group_size=1", "likelihood=multinomial",
    )  # fmt: skip
    vae = build(config, shape=(1, 1, len(WORDS)), classes=2)
    with torch.no_grad():
        next(vae.decoder.parameters()).copy_(torch.tensor(SUBJECTS).T)
    return VaeRepresentation(vae.eval(), COUNTS.to_input)


def source() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_topic_is_the_words_that_it_favours_and_its_group(model: VaeRepresentation):
    topics = topics_of(model, corpus(), "a test")
    assert topics.names == ("z_0", "z_1")
    assert topics.groups == ("z_0", "z_1")
    assert topics.top_words(0, 3) == ["goal", "team", "hockey"]
    assert topics.top_words(1, 2) == ["bible", "faith"]


@torch.no_grad()
def test_perplexity_is_exp_of_the_mean_of_the_bound_per_word(model: VaeRepresentation):
    dataset = corpus(20)
    found, errors = perplexity(model, dataset, source(), documents=100, samples=400)
    counts_B = dataset.test.images(torch.arange(20))
    parameters = model.encode(counts_B)
    draws, bounds = torch.Generator().manual_seed(5), torch.zeros(20)
    for _ in range(400):
        z = model.sample(parameters, draws)
        log_q, log_p = model.latents.log_q_and_p(z, parameters)
        bounds += (model.log_px_z(counts_B, z) + log_p - log_q) / 400
    lengths = counts_B.flatten(1).sum(1)
    per_word = (-bounds / lengths).double()
    assert found["perplexity"] == pytest.approx(math.exp(per_word.mean()), rel=0.02)
    error = float(per_word.std()) / math.sqrt(20) * found["perplexity"]
    assert errors["perplexity"] == pytest.approx(error, rel=0.1)
    every = math.exp(float(-bounds.sum() / lengths.sum()))
    assert found["perplexity/of_all_words"] == pytest.approx(every, rel=0.02)
    left_out = torch.stack([lengths.sum() - lengths, -bounds.sum() + bounds])
    jackknife = float((left_out[1] / left_out[0]).double().exp().std()) * 19 / math.sqrt(20)
    assert errors["perplexity/of_all_words"] == pytest.approx(jackknife, rel=0.15)


def test_a_model_of_equal_words_has_the_perplexity_of_their_number(model: VaeRepresentation):
    vae = model._model
    with torch.no_grad():
        for parameter in vae.decoder.parameters():
            parameter.zero_()
        last = list(vae.encoder.children())[-1]
        last.weight.zero_()  # q(z|x) = p(z)
        last.bias[:2], last.bias[2:] = 0.0, vae.latents.prior.scale_V.log()
    found, _ = perplexity(model, corpus(), source(), documents=100, samples=1)
    assert found["perplexity"] == pytest.approx(len(WORDS), rel=1e-4)


def test_coherence_is_that_of_the_counts_by_hand(model: VaeRepresentation):
    dataset = corpus()
    topics = topics_of(model, dataset, "a test")
    found = coherences(topics, dataset, words=2, reference=None, window=None)
    every = torch.cat([
        split.images(torch.arange(split.size)).flatten(1) for split in (dataset.train, dataset.test)
    ])  # fmt: skip
    goal, team = every[:, 0] > 0, every[:, 1] > 0
    both, first, second = ((x.float().mean().item()) for x in (goal & team, goal, team))
    assert found[0] == pytest.approx(math.log(both / first / second) / -math.log(both), rel=1e-6)
    scored, errors = topic_coherence(model, dataset, source(), words=2, reference=None, window=None)
    assert scored["topic_coherence"] == pytest.approx(np.mean(found))
    assert errors["topic_coherence"] == pytest.approx(np.std(found, ddof=1) / math.sqrt(2))
    assert errors.keys() == scored.keys() - {"topic_coherence/median"}
    assert found[0] > 0.3


def test_coherence_by_windows_of_a_reference(model: VaeRepresentation, tmp_path: Path):
    text = tmp_path / "reference.txt"
    text.write_text("goal and the team\nbible some words between that faith\n" + "time\n" * 4)
    topics = topics_of(model, corpus(), "a test")
    whole = coherences(topics, corpus(), words=2, reference=str(text), window=None)
    near = coherences(topics, corpus(), words=2, reference=str(text), window=4)
    assert whole == pytest.approx([1, 1])
    assert near == pytest.approx([1, -1])  # bible and faith are in no window of four words
    with pytest.raises(UsageError, match="window needs a reference"):
        coherences(topics, corpus(), words=2, reference=None, window=4)


class Sentences:
    """What a computation says that it left out."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def tell(self, what: str, done: int, total: int) -> None:
        pass

    def check(self) -> None:
        pass

    def left_out(self, what: str) -> None:
        self.said.append(what)


def short_words(model: VaeRepresentation) -> Topics:
    """Two topics whose top words have two letters."""
    words = ("la", "nd", "hockey", "pc", "uk", "faith", "people", "time")
    return replace(topics_of(model, corpus(), "a test"), words=words)


def test_words_of_two_letters_are_counted_in_a_reference(model: VaeRepresentation, tmp_path: Path):
    text = tmp_path / "reference.txt"
    text.write_text("LA nd\nla nd\na PC\nin the UK\npc uk faith\n")
    heard = Sentences()
    with listening(heard):
        found = coherences(
            short_words(model), corpus(), words=2, reference=str(text), window=None
        )  # the top words are la and nd, uk and faith
    first, second, both = 2 / 5, 1 / 5, 1 / 5
    expected = math.log(both / first / second) / -math.log(both)
    assert found == pytest.approx([1, expected])
    assert heard.said == []


def test_words_that_a_reference_lacks_are_left_out_and_said(
    model: VaeRepresentation, tmp_path: Path
):
    text = tmp_path / "reference.txt"
    text.write_text("la nd\nla nd\nla\nuk\n")
    topics, heard = short_words(model), Sentences()
    with listening(heard):
        found = coherences(topics, corpus(), words=3, reference=str(text), window=None)
    expected = math.log((1 / 2) / (3 / 4) / (1 / 2)) / -math.log(1 / 2)
    assert found[0] == pytest.approx(expected)  # without hockey
    assert math.isnan(found[1])
    assert heard.said == [
        f"3 of 6 top words that '{text}' lacks, 'hockey', 'pc', 'faith', and 1 of 2 topics, which "
        "have fewer than two others"
    ]


def test_a_topic_without_words_in_a_reference_is_in_no_number(
    model: VaeRepresentation, tmp_path: Path
):
    text = tmp_path / "reference.txt"
    text.write_text("goal team\ngoal team hockey\nwithout\n")
    found, _ = topic_coherence(model, corpus(), source(), words=2, reference=str(text), window=None)
    assert found == pytest.approx({"topic_coherence": 1, "topic_coherence/median": 1,
                                   "topic_coherence/correlated": 1})  # fmt: skip


def test_a_reference_without_two_words_of_a_topic_is_refused(
    model: VaeRepresentation, tmp_path: Path
):
    text = tmp_path / "reference.txt"
    text.write_text("goal\nbible\n")
    with pytest.raises(UsageError, match="has no two top words of any topic"):
        coherences(
            topics_of(model, corpus(), "a test"), corpus(), words=2, reference=str(text),
            window=None,
        )  # fmt: skip


def test_diversity_is_the_share_of_different_words(model: VaeRepresentation):
    of_three = topic_diversity(model, corpus(), source(), words=3)
    assert of_three == ({"topic_diversity": 1.0}, {})
    of_all = topic_diversity(model, corpus(), source(), words=len(WORDS))
    assert of_all == ({"topic_diversity": 0.5}, {})


def test_scores_of_counts_are_not_defined_for_images(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    vae = build(composed("architecture=mlp"), shape=toy_dataset.shape, classes=0)
    images = represent(vae)
    with pytest.raises(UsageError, match="perplexity is of counts of words"):
        perplexity(images, toy_dataset, source(), documents=4, samples=1)
    with pytest.raises(UsageError, match="topic_diversity is of counts of words"):
        topic_diversity(images, toy_dataset, source(), words=2)


def test_pairs_are_in_the_order_of_their_correlation():
    codes_DK = np.random.default_rng(0).normal(size=(500, 4))
    codes_DK[:, 2] = codes_DK[:, 0] + 0.1 * codes_DK[:, 1]
    codes_DK[:, 3] = 1.0  # does not vary
    pairs = correlated_pairs(codes_DK, 2)
    assert pairs[0][:2] == (0, 2)
    assert pairs[0][2] == pytest.approx(np.corrcoef(codes_DK[:, 0], codes_DK[:, 2])[0, 1])
    assert {k for i, j, _ in pairs for k in (i, j)} <= {0, 1, 2}
    assert correlated_pairs(codes_DK[:, 3:], 2) == []


def test_the_tables_name_every_topic_and_the_correlated_pairs(model: VaeRepresentation):
    dataset = corpus()
    encodings = encode(model, dataset.test, 60, source())
    tables = {table.name: table for table in text_tables(model, dataset, encodings)}
    assert {row[0] for row in tables["topics"].rows} == {"z_0", "z_1"}
    npmi = [row[2] for row in tables["topics"].rows]
    assert npmi == sorted(npmi, reverse=True)
    assert [row[2] for row in tables["correlated_topics"].rows] == ["z_0", "z_1"]
    assert "goal team hockey" in {row[3][:16] for row in tables["topics"].rows}


def test_images_have_no_tables(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    vae = build(composed("architecture=mlp"), shape=toy_dataset.shape, classes=0)
    encodings = encode(represent(vae), toy_dataset.test, 10, source())
    assert list(text_tables(represent(vae), toy_dataset, encodings)) == []
