"""Topics from the command line: counts are trained on, scored, and shown by their words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.end_to_end.conftest import Vaerun
from tests.word_counts import corpus, write_bag_of_words

QUICK = (
    "steps=4", "batch_size=16", "prior.dimensions=4", "prior.group_size=2",
    "architecture.widths=[8]", "evaluation.map_points=10", "device=cpu", "wandb.mode=disabled",
)  # fmt: skip


def test_topics_are_trained_scored_and_shown(vaerun: Vaerun, tmp_path: Path):
    write_bag_of_words(tmp_path / "news", corpus())
    done = vaerun("dataset=bag_of_words", "dataset.path=news", "objective=hfvae", *QUICK)
    assert done.returncode == 0, done.stderr
    run = tmp_path / done.stdout.strip()
    assert "4 topics by the NPMI of their top words in the documents" in done.stderr
    with (run / "tables" / "topics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["topic"] for row in rows} == {"z_0", "z_1", "z_2", "z_3"}
    assert {row["group"] for row in rows} == {"z_0-1", "z_2-3"}
    scores = json.loads((run / "scores.json").read_text())["scores"]
    for name in ("perplexity", "topic_coherence", "topic_diversity"):
        assert scores[f"model/{name}"]["scores"][name] > -1
    figures = {path.name for path in (run / "figures").iterdir()}
    assert figures == {"topics.png", "correlated_topics.png", "information.png", "latents.png"}
    for command in (("sample", "-o", "s"), ("traverse", "--index", "0", "-o", "t.png")):
        refused = vaerun(command[0], str(run), *command[1:])
        assert refused.returncode == 2
        assert refused.stderr == "error: documents are not images: there is nothing to draw\n"


def test_coherence_in_a_reference_needs_it_and_follows_its_texts(vaerun: Vaerun, tmp_path: Path):
    write_bag_of_words(tmp_path / "news", corpus())
    only = (
        "metrics=none",
        "metrics.topic_coherence={words: 3, reference: texts, window: null}",
    )
    train = ("dataset=bag_of_words", "dataset.path=news", "objective=vae", *QUICK, *only)
    hint = "  a text file with a document per line, or a folder of text files"
    refused = vaerun(*train)
    assert refused.returncode == 3
    missing = "error: metrics.topic_coherence.reference: 'texts' is missing"
    assert refused.stderr.splitlines() == [missing, hint]
    (tmp_path / "texts").write_text("nothing of it\n")
    refused = vaerun(*train)
    assert refused.returncode == 3
    none = "error: metrics.topic_coherence.reference: 'texts' has none of the words of the dataset"
    assert refused.stderr.splitlines() == [none, hint]
    assert not (tmp_path / "outputs").exists()

    (tmp_path / "texts").write_text("goal team hockey church faith bible people time\nsome\n")
    done = vaerun(*train)
    assert done.returncode == 0, done.stderr
    run = tmp_path / done.stdout.strip()
    kept = (run / "scores.json").read_bytes()
    (key,) = (stored := json.loads(kept)["scores"])
    assert stored[key]["scores"]["topic_coherence"] == 1
    assert "all there already" in vaerun("evaluate", str(run), *only).stderr

    (tmp_path / "texts").unlink()
    refused = vaerun("evaluate", str(run), *only)
    assert refused.returncode == 3
    assert missing in refused.stderr
    assert (run / "scores.json").read_bytes() == kept

    lines = ["goal team hockey", "church faith bible people", "time"]
    (tmp_path / "texts").write_text("\n".join(lines))
    again = vaerun("evaluate", str(run), *only)
    assert again.returncode == 0, again.stderr
    later = json.loads((run / "scores.json").read_text())["scores"][key]
    assert later["reference"] != stored[key]["reference"]
    assert later["scores"]["topic_coherence"] < 1


def test_counts_and_images_have_their_own_likelihoods(vaerun: Vaerun, tmp_path: Path):
    refused = vaerun("dataset=digits", "likelihood=multinomial", *QUICK[:2], "device=cpu")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "error: dataset=digits has images, and likelihood=multinomial is no distribution over "
        "images",
        "  likelihood=bernoulli, or another one of pixels",
    ]
    assert not (tmp_path / "outputs").exists()
