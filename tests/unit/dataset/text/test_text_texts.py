"""Texts that are files, the 20 Newsgroups, and texts to look words up in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest
import sklearn.datasets
import torch

from runner.config import RunConfig
from runner.dataset import load
from runner.dataset.text.reference import (
    reference_digest,
    reference_documents,
    require_reference,
)
from runner.errors import DataError, UsageError

CPU = torch.device("cpu")
TEXTS = {
    "sport/a.txt": "The goalie saved a goal; a Goal!",
    "sport/b.txt": "hockey team, hockey goal",
    "faith/c.txt": "church bible",
    "faith/d.txt": "bible faith church",
    "faith/e.txt": "the of and",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_words_are_counted_and_folders_are_classes(
    composed: Callable[..., RunConfig], folder: Path
):
    config = composed(
        "dataset=texts", f"dataset.path={folder}", "dataset.least_documents=1",
        "dataset.test_share=0",
    )  # fmt: skip
    found = load(config.dataset, "data", CPU)
    assert found.value_names == ("bible", "church", "faith", "goal", "goalie", "hockey", "saved",
                                 "team")  # fmt: skip
    assert found.class_names == ("faith", "sport")
    assert found.train.size == 4  # the fifth has stop words alone
    every = torch.arange(4)
    counts = {
        tuple(row): found.class_names[label]
        for row, label in zip(
            found.train.images(every).flatten(1).tolist(),
            found.train.factors(every)[:, 0].tolist(),
            strict=True,
        )
    }
    assert counts[0, 0, 0, 2, 1, 0, 1, 0] == "sport"
    assert counts[1, 1, 1, 0, 0, 0, 0, 0] == "faith"


@pytest.mark.parametrize(
    ("files", "classes"),
    [
        (("a/x/1", "a/x/2", "b/x/1", "b/y/1"), ("a/x", "b/x", "b/y")),
        (("a/1", "a/x/1", "b/1"), ("a", "a/x", "b")),
        (("a/1", "b/1", "c/1"), ("a", "b", "c")),
    ],
)
def test_a_class_is_named_after_its_folder_and_those_that_it_lies_in(
    composed: Callable[..., RunConfig], tmp_path: Path, files: tuple[str, ...], classes: object
):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("hockey goal")
    config = composed(
        "dataset=texts", f"dataset.path={tmp_path}", "dataset.least_documents=1",
        "dataset.test_share=0",
    )  # fmt: skip
    assert load(config.dataset, "data", CPU).class_names == classes


def test_the_vocabulary_is_that_of_the_training_documents(
    composed: Callable[..., RunConfig], tmp_path: Path
):
    for n in range(10):
        (tmp_path / f"{n}.txt").write_text(f"shared word{'abcdefghij'[n] * 3}")
    config = composed(
        "dataset=texts", f"dataset.path={tmp_path}", "dataset.least_documents=1",
        "dataset.test_share=0.3",
    )  # fmt: skip
    found = load(config.dataset, "data", CPU)
    assert (found.train.size, found.test.size) == (7, 3)
    assert len(found.value_names) == 8  # seven words of one document each, and the shared one
    assert found.test.images(torch.arange(3)).sum().item() == 3


@pytest.mark.parametrize(
    ("least", "message"),
    [
        (1, "no text has a word of three letters"),
        (3, "no word occurs in dataset.least_documents=3"),
    ],
)
def test_texts_without_words_are_refused(
    composed: Callable[..., RunConfig], tmp_path: Path, least: int, message: str
):
    for n in range(10):
        (tmp_path / f"{n}.txt").write_text("of it" if least == 1 else f"word{'abcdefghij'[n] * 3}")
    words = ("dataset=texts", f"dataset.path={tmp_path}", f"dataset.least_documents={least}")
    with pytest.raises(DataError, match=message) as refused:
        load(composed(*words).dataset, "data", CPU)
    assert f"least_documents={least}" not in (refused.value.hint or "")


@pytest.mark.parametrize("overrides", [(), ("dataset.stop_words=english",)])
def test_texts_that_are_none_are_refused(
    composed: Callable[..., RunConfig], tmp_path: Path, overrides: tuple[str, ...]
):
    config = composed("dataset=texts", f"dataset.path={tmp_path}/docs", *overrides)
    with pytest.raises(DataError, match="does not exist"):
        load(config.dataset, "data", CPU)
    (tmp_path / "docs").mkdir()
    with pytest.raises(DataError, match="there is no text"):
        load(config.dataset, "data", CPU)
    (tmp_path / "docs" / "a").write_text("the of")
    (tmp_path / "docs" / "b").write_text("and to")
    with pytest.raises(DataError, match="no word occurs"):
        load(config.dataset, "data", CPU)
    for name in ("a", "b"):
        (tmp_path / "docs" / name).write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match="there is no text"):
        load(config.dataset, "data", CPU)


@pytest.mark.parametrize(("pictures", "words"), [(1, "1 file is not"), (2, "2 files are not")])
def test_files_that_are_not_text_are_left_out_and_said(
    composed: Callable[..., RunConfig],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pictures: int,
    words: str,
):
    for n in range(20):
        (tmp_path / f"{n}.txt").write_text("windows driver goal")
    for n in range(pictures):
        (tmp_path / f"cover{n}.png").write_bytes(b"\x89PNG\0\0")
    config = composed("dataset=texts", f"dataset.path={tmp_path}", "dataset.least_documents=1")
    found = load(config.dataset, "data", CPU)
    assert found.train.size + found.test.size == 20
    assert f"{words} text and left out, among them 'cover0.png'" in capsys.readouterr().err
    assert len(list(reference_documents(str(tmp_path), ()))) == 20


def test_the_newsgroups_are_those_of_scikit_learn(
    composed: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def fetch(*, data_home: str, subset: str, **_: object) -> SimpleNamespace:
        assert data_home == str(tmp_path / "newsgroups")
        more = 3 if subset == "train" else 0
        return SimpleNamespace(
            data=["windows driver", "hockey goal"] + ["driver goal windows"] * more,
            target=[0, 1] + [0] * more,
            target_names=["comp.windows", "rec.hockey"],
        )

    monkeypatch.setattr(sklearn.datasets, "fetch_20newsgroups", fetch)
    config = composed("dataset=newsgroups", "dataset.least_documents=1")
    found = load(config.dataset, str(tmp_path), CPU)
    assert (found.train.size, found.test.size, found.has_test_split) == (5, 2, True)
    assert found.class_names == ("comp.windows", "rec.hockey")
    assert found.value_names == ("driver", "goal", "hockey", "windows")
    assert found.digest is None


def test_newsgroups_that_cannot_be_fetched_are_missing_data(
    composed: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def fetch(**_: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_20newsgroups", fetch)
    config = composed("dataset=newsgroups")
    with pytest.raises(DataError, match=r"cannot be downloaded: .*no route") as refused:
        load(config.dataset, str(tmp_path), CPU)
    assert refused.value.exit_code == 3


def test_a_reference_is_a_document_a_line_or_a_file(folder: Path):
    every = sorted(reference_documents(str(folder), ()))
    assert ["hockey", "team", "hockey", "goal"] in every
    assert len(every) == 5
    lines = folder / "reference"
    lines.write_text("One goal.\n\nAt church")
    found = list(reference_documents(str(lines), ()))
    assert found == [["one", "goal"], [], ["at", "church"]]
    with pytest.raises(UsageError, match=r"metrics.topic_coherence.reference: .* is missing"):
        list(reference_documents(str(folder / "nothing"), ()))


@pytest.mark.parametrize(
    ("vocabulary", "text", "expected"),
    [
        (["la", "nd", "pc", "uk", "x11"], "A PC in the UK: _ND_, x11!",
         ["a", "pc", "in", "the", "uk", "nd", "x11"]),
        (["e-mail", "mail", "don't"], "Don't e-mail, e-mails; mail",
         ["don't", "e-mail", "e", "mails", "mail"]),
        (["new_york", "c++"], "C++ in New_York or new_yorkers",
         ["c++", "in", "new_york", "or", "new", "yorkers"]),
        (["NASA", "moon"], "Nasa, NASA: The Moon", ["NASA", "NASA", "the", "moon"]),
        (["US", "us"], "Us in the US", ["us", "in", "the", "US"]),
        (["हिन्दी", "की"], "हिन्दी की कीमत", ["हिन्दी", "की", "कीमत"]),
    ],
)  # fmt: skip
def test_every_word_of_a_vocabulary_is_found_in_a_reference(
    tmp_path: Path, vocabulary: list[str], text: str, expected: list[str]
):
    (tmp_path / "texts").write_text(text)
    assert list(reference_documents(str(tmp_path / "texts"), vocabulary)) == [expected]


def test_a_reference_finds_what_texts_count(composed: Callable[..., RunConfig], folder: Path):
    config = composed(
        "dataset=texts", f"dataset.path={folder}", "dataset.least_documents=1",
        "dataset.test_share=0",
    )  # fmt: skip
    words = load(config.dataset, "data", CPU).value_names
    documents = reference_documents(str(folder), words)
    assert {word for words in documents for word in words} >= set(words)


def test_a_reference_that_is_none_is_refused_in_one_line(folder: Path):
    texts = folder / "texts"
    texts.write_text("one\n" * 3 + "hockey\n")
    require_reference(str(texts), ["goal", "hockey"])
    with pytest.raises(DataError, match=f"reference: '{texts}' has none of the words") as refused:
        require_reference(str(texts), ["goal"])
    assert refused.value.exit_code == 3
    with pytest.raises(DataError, match="is missing") as refused:
        require_reference(f"{texts}s", ())
    assert refused.value.hint == f"did you mean '{texts}'?"
    texts.write_bytes(b"\0")
    with pytest.raises(DataError, match=r"reference: .* is not a text file"):
        require_reference(str(texts), ())
    texts.write_text("")
    with pytest.raises(DataError, match=f"reference: '{texts}' has no text"):
        require_reference(str(texts), ())
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match=r"^metrics\.topic_coherence\.reference: there is no"):
        require_reference(str(folder / "empty"), ())


def test_the_digest_of_a_reference_is_of_its_texts(folder: Path):
    before = reference_digest(str(folder))
    assert reference_digest(str(folder)) == before
    (folder / "sport" / "a.txt").write_text("the goalie")
    assert reference_digest(str(folder)) != before
