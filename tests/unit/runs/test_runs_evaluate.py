"""Evaluating a run: what is written, what is not computed twice, and where it may be stopped."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from runner import config as settings
from runner.config import RunConfig
from runner.console.score_display import ScoreDisplay
from runner.dataset import Dataset
from runner.errors import InterruptedRun, UsageError
from runner.evaluation import Evaluator, ScoreRequest
from runner.evaluation.model_scores import ScoreResult
from runner.runs.evaluate import score, score_again, score_run, summarize_run
from runner.runs.load import LoadedRun, RunLoader
from runner.runs.reference import check_reference
from runner.store.scores_file import ScoresFile

REQUESTS = [ScoreRequest(name, "mean", {"samples": 10}) for name in ("mig", "sap", "dci")]


class Wandb:
    """What a run on W&B is told."""

    def __init__(self) -> None:
        self.summary: dict[str, Any] = {}

    def summarize(self, values: dict[str, Any]) -> None:
        self.summary |= values


class Scores:
    """An evaluator that notes what it is asked; some scores have no value, some stop it."""

    def __init__(self, *, seed: int = 0, refused: str = "", repeats: int | None = None) -> None:
        self.metrics = SimpleNamespace(
            seed=seed, images=100, name="fast", factor_bins=None, repeats=repeats
        )
        self.refused = refused
        self.asked: list[str] = []

    def compute(self, request: ScoreRequest) -> ScoreResult:
        self.asked.append(request.metric)
        if request.metric == self.refused:
            raise UsageError("mig needs 2 factors")
        errors = {request.metric: 0.01} if self.metrics.repeats else {}
        return ScoreResult({request.metric: len(self.asked) / 10}, errors)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO())


@pytest.fixture
def run_score(console: Console, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Score with a fake evaluator, and return the entries of the file as it lies on disk."""

    def run(scores: Scores, check: Callable[[], None] = lambda: None, step: int = 1):
        file = ScoresFile(tmp_path / "scores.json", {"step": step})
        with ScoreDisplay(console, check) as display:
            score(cast("Evaluator", scores), REQUESTS, file, display)
        return json.loads((tmp_path / "scores.json").read_text())["scores"]

    return run


def nothing() -> None:
    return None


def test_scores_are_written_with_the_settings_that_they_have(run_score):
    entries = run_score(Scores())
    assert list(entries) == ["mean/mig", "mean/sap", "mean/dci"]
    entry = entries["mean/sap"]
    assert entry["scores"] == {"sap": 0.2}
    assert (entry["settings"], entry["seed"], entry["images"]) == ({"samples": 10}, 0, 100)
    assert entry["seconds"] >= 0


def test_no_score_is_computed_twice(run_score):
    first, again, other = Scores(), Scores(), Scores(seed=1)
    before = run_score(first)
    assert run_score(again) == before
    assert again.asked == []
    run_score(other)  # another seed draws other images
    assert other.asked == ["mig", "sap", "dci"]


def test_repeats_are_computed_and_kept_with_their_errors(run_score):
    run_score(Scores())
    repeated, once, other = Scores(repeats=5), Scores(), Scores(repeats=6)
    entries = run_score(repeated)
    assert repeated.asked == ["mig", "sap", "dci"]
    assert entries["mean/sap"]["standard_errors"] == {"sap": 0.01}
    assert entries["mean/sap"]["repeats"] == 5
    assert run_score(once) == entries  # the numbers are there; that they have errors is no harm
    assert once.asked == []
    run_score(other)
    assert other.asked == ["mig", "sap", "dci"]


def test_scores_that_are_not_repeated_are_not_computed_again(console: Console, tmp_path: Path):
    file = ScoresFile(tmp_path / "scores.json", {"step": 1})
    requests = [*REQUESTS, ScoreRequest("pruning", "model", {})]
    for evaluator, asked in ((Scores(), ["mig", "sap", "dci", "pruning"]),
                             (Scores(repeats=5), ["mig", "sap", "dci"])):  # fmt: skip
        with ScoreDisplay(console) as display:
            score(cast("Evaluator", evaluator), requests, file, display)
        assert evaluator.asked == asked
    assert "repeats" not in file.entries["model/pruning"]


def test_a_model_that_was_trained_further_is_scored_anew(run_score):
    run_score(Scores(), step=1)
    later = Scores()
    run_score(later, step=2)
    assert later.asked == ["mig", "sap", "dci"]


def test_a_score_without_a_value_stops_no_other_and_is_not_tried_again(run_score):
    entries = run_score(Scores(refused="mig"))
    assert entries["mean/mig"]["refused"] == "mig needs 2 factors"
    assert entries["mean/mig"]["scores"] == {}
    assert entries["mean/dci"]["scores"] == {"dci": 0.3}
    again = Scores()
    run_score(again)
    assert again.asked == []


def test_coherence_in_a_reference_of_other_texts_is_computed_again(
    console: Console, tmp_path: Path
):
    texts = tmp_path / "texts"
    settings = {"words": 10, "reference": str(texts), "window": None}
    request = ScoreRequest("topic_coherence", "model", settings)

    def asked(text: str | None) -> int:
        if text is not None:
            texts.write_text(text)
        evaluator = Scores()
        with ScoreDisplay(console) as display:
            file = ScoresFile(tmp_path / "scores.json", {"step": 1})
            score(cast("Evaluator", evaluator), [request], file, display)
        return len(evaluator.asked)

    assert asked(None) == 1  # a missing reference has no number of its own
    assert [asked("a goal"), asked(None), asked("a game"), asked("a game")] == [1, 0, 1, 0]
    texts.unlink()
    assert asked(None) == 0  # the number of what it was is kept


def test_the_reference_of_a_stranger_is_not_read(toy_dataset: Dataset, tmp_path: Path):
    (tmp_path / "texts").write_text("a goal")
    reference = f"metrics.topic_coherence.reference={tmp_path / 'texts'}"
    metrics = settings.metrics("topics", [reference])
    check_reference(metrics, toy_dataset)
    with pytest.raises(UsageError, match="not known as yours, and it would read") as refused:
        check_reference(metrics, toy_dataset, trusted=False)
    assert refused.value.hint == "--trust follows the folder"


def test_who_is_interrupted_keeps_what_was_computed(run_score):
    first, rest = Scores(), Scores()

    def stop() -> None:
        if len(first.asked) == 2:
            raise InterruptedRun("interrupted", None, 2)

    with pytest.raises(InterruptedRun):
        run_score(first, stop)
    run_score(rest)
    assert (first.asked, rest.asked) == (["mig", "sap"], ["dci"])


@pytest.fixture
def loaded(finished: Path, console: Console, tmp_path: Path) -> LoadedRun:
    """A trained run in a folder that a test may change."""
    shutil.copytree(finished, tmp_path / "run")
    for path in ("summary.json", "figures"):
        target = tmp_path / "run" / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    return RunLoader(console).open(tmp_path / "run")[0]


def test_the_summary_is_written_before_the_first_figure(loaded: LoadedRun, finished: Path):
    """So that whoever stops the pictures has the numbers; and they are those of training's end."""
    folder, wandb = loaded.folder.path, Wandb()

    def stop() -> None:
        if (folder / "figures").is_dir():
            raise InterruptedRun("interrupted", None, 2)

    with pytest.raises(InterruptedRun):
        summarize_run(loaded, cast("Any", wandb), stop)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary == json.loads((finished / "summary.json").read_text())
    assert wandb.summary["elbo"] == pytest.approx(summary["elbo"])
    assert len(list((folder / "figures").iterdir())) == 1


def test_every_figure_is_written_and_named(loaded: LoadedRun, finished: Path):
    paths = summarize_run(loaded, cast("Any", Wandb()), nothing)
    assert {path.name for path in paths.values()} == {
        path.name for path in (finished / "figures").iterdir()
    }
    assert all(path.is_file() for path in paths.values())


def test_a_run_without_metrics_has_no_scores(loaded: LoadedRun):
    assert score_run(loaded, loaded.config.metrics, cast("Any", Wandb()), nothing) == {}
    assert not (loaded.folder.path / "scores.json").exists()


def test_the_scores_of_a_run_reach_its_file_and_wandb(
    loaded: LoadedRun, composed: Callable[..., RunConfig]
):
    fast, none = (composed(f"metrics={name}").metrics for name in ("fast", "none"))
    metrics = replace(none, images=60, mig=fast.mig)
    wandb = Wandb()
    assert score_run(loaded, metrics, cast("Any", wandb), nothing) == {}
    stored = json.loads((loaded.folder.path / "scores.json").read_text())
    assert stored["of"] == {"step": 8}
    assert wandb.summary["scores"] == {  # by the names that compare has
        f"mean/{name}": number
        for entry in stored["scores"].values()
        for name, number in entry["scores"].items()
    }
    assert "mig" in stored["scores"]["mean/mig"]["scores"]


def test_a_summary_from_other_encodings_is_computed_once(finished: Path, tmp_path: Path):
    path = tmp_path / "run"
    shutil.copytree(finished, path)
    nothing_to_score = settings.metrics("none", [])
    overrides = ["evaluation.encodings=all", "evaluation.map_points=10"]
    counts: list[int] = []
    for _ in range(2):
        run, _ = RunLoader(Console(file=io.StringIO()), overrides).open(path)
        score_again(run, None, nothing_to_score, renews=True)
        counts.append((path / "summary.json").stat().st_mtime_ns)
    assert counts[0] == counts[1]
    summary = json.loads((path / "summary.json").read_text())
    assert (summary["images"], summary["encodings"]) == (297, 297 + 1500)
