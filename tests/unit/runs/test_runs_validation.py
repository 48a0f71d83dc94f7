"""A run is validated while it trains: what is recorded and kept, when it stops, how it goes on."""

from __future__ import annotations

import json
import math
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from runner.console.run_display import make_console
from runner.errors import DataError, InterruptedRun, UsageError
from runner.figures.of_run import RunFigures
from runner.runs import train as story
from runner.runs import validations
from runner.runs.load import RunLoader
from runner.runs.train import resume, start
from runner.runs.validate import validate as really_validate
from runner.store.checkpoint import load as load_checkpoint
from tests.unit.runs.conftest import Settings, tensors_of
from tests.unit.runs.test_runs_train import During, interrupt_at, is_equal, records, status

EVERY_3 = ("validation.every=3", "validation.images=60", "validation.scores=[mig]")


@pytest.fixture(scope="module")
def validated(small: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with validations after steps 3, 6 and 8. Tests do not change it."""
    path = tmp_path_factory.mktemp("runs") / "validated"
    start(few(small), path)
    return path


def few(small: Settings, *overrides: str):
    """Settings with validations, of which the evaluation computes no score."""
    config = small("metrics=fast", *EVERY_3, *overrides)
    for name in vars(config.metrics):
        if name not in ("name", "seed", "codes", "images", "mig"):
            setattr(config.metrics, name, None)
    return config


@pytest.fixture(autouse=True)
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure is drawn, which takes longer than all the rest."""
    monkeypatch.setattr(RunFigures, "figures", lambda *_: iter(()))
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)


def told(monkeypatch: pytest.MonkeyPatch, values: dict[int, float]) -> None:
    """Let the ELBO of validations be these, by step."""

    def validate(method, *rest) -> dict[str, float]:
        return {"validation/elbo": values[method.step], "validation/loss": -values[method.step]}

    monkeypatch.setattr(validations, "validate", validate)


def best_of(run: Path) -> dict[str, Any]:
    return load_checkpoint(run / "checkpoint_best").state


def test_validations_are_in_the_records_of_their_steps(validated: Path):
    found = {r["step"]: r for r in records(validated) if "validation/elbo" in r}
    assert list(found) == [3, 6, 8]
    assert [r["step"] for r in records(validated)] == [1, 2, 3, 4, 6, 8]
    assert "loss" not in found[3]  # no record of training was due
    assert "loss" in found[6]
    for record in found.values():
        terms = [v for k, v in record.items() if k.startswith("validation/terms/")]
        assert len(terms) == 5
        assert record["validation/elbo"] == pytest.approx(-sum(terms))
        assert math.isfinite(record["validation/loss"])
        assert record["validation/rate"] > 0
        assert 0 <= record["validation/scores/mean/mig"] <= 1


def test_the_images_are_not_trained_on(validated: Path):
    assert (status(validated)["train_images"], status(validated)["validation_images"]) == (1440, 60)


def test_the_last_validation_stands_in_the_summary(validated: Path):
    said = json.loads((validated / "summary.json").read_text())["validation"]
    last = records(validated)[-1]
    assert said == {
        k.removeprefix("validation/"): v for k, v in last.items() if k.startswith("validation/")
    }


def test_two_validations_of_a_model_are_equal(validated: Path):
    """The last record says what is found again with the last checkpoint."""
    saved = story.SavedRun.read(validated, [], trusted=True)
    run = story.prepared(saved.config, saved.folder, saved)
    found = [really_validate(run.method, run.dataset, run.config) for _ in range(2)]
    recorded = {k: v for k, v in records(validated)[-1].items() if "validation/" in k}
    assert found[0] == found[1] == recorded


def test_training_is_the_same_however_often_it_is_validated(
    small: Settings, validated: Path, tmp_path: Path
):
    start(few(small, "validation.every=1000", "validation.scores=[]"), tmp_path / "run")
    assert is_equal(tmp_path / "run", validated)
    plain = [
        [{k: v for k, v in r.items() if "validation" not in k} for r in records(run) if "loss" in r]
        for run in (tmp_path / "run", validated)
    ]
    assert plain[0] == plain[1]


@pytest.mark.parametrize("step", [2, 3, 4, 7])
def test_a_run_that_is_resumed_is_validated_as_if_it_had_never_stopped(
    small: Settings, during: During, validated: Path, tmp_path: Path, step: int
):
    run = tmp_path / "run"
    during(interrupt_at(step))
    with pytest.raises(InterruptedRun):
        start(few(small), run)
    resume(run, [])
    assert is_equal(run, validated)
    assert records(run) == records(validated)
    assert best_of(run) == best_of(validated)
    one, other = (load_checkpoint(each / "checkpoint_best").tensors["model"] for each in (
        run, validated))  # fmt: skip
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_the_model_of_the_best_validation_is_kept_alone(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told(monkeypatch, {3: -5.0, 6: -4.0, 8: -6.0})
    run = tmp_path / "run"
    start(few(small, "evaluation.checkpoint=best"), run)
    assert best_of(run) == {"step": 6, "metric": "elbo", "value": -4.0}
    assert len(list((run / "checkpoint_best").iterdir())) == 2  # the model and state.json
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["step"], summary["validation"]) == (6, {"elbo": -4.0, "loss": 4.0})
    assert load_checkpoint(run / "checkpoint").state["step"] == 8
    opened = {of: RunLoader(make_console(), checkpoint=of).open(run)[0] for of in ("best", "last")}
    assert {of: each.step for of, each in opened.items()} == {"best": 6, "last": 8}
    kept = load_checkpoint(run / "checkpoint_best").tensors["model"]
    found = opened["best"].model.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in kept.items())
    assert RunLoader(make_console()).open(run)[0].step == 6  # that of its summary


def test_without_keep_best_there_is_none(small: Settings, tmp_path: Path):
    run = tmp_path / "run"
    start(few(small, "training.keep_best=false"), run)
    assert not (run / "checkpoint_best").exists()
    with pytest.raises(UsageError, match="has no best checkpoint"):
        RunLoader(make_console(), checkpoint="best").open(run)


PATIENT = ("training.stop_early.patience=2", "validation.every=1")
FALLING = {step: -1.0 * step for step in range(1, 20)}


def test_a_run_stops_early_is_finished_and_goes_on_when_asked(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told(monkeypatch, FALLING)
    run = tmp_path / "run"
    start(few(small, *PATIENT), run)
    said = status(run)
    assert (said["state"], said["step"], said["steps"]) == ("finished", 3, 8)
    reason = "validation/elbo was not better in 2 validations, -1 at step 1"
    assert said["stopped_early"] == reason
    assert json.loads((run / "summary.json").read_text())["step"] == 1  # the best is evaluated
    with pytest.raises(UsageError, match="is finished, at step 3, where it stopped early"):
        resume(run, [])
    resume(run, ["evaluation.encodings=30"])  # evaluated again, and not trained
    assert (status(run)["step"], status(run)["stopped_early"]) == (3, reason)
    resume(run, ["steps=8"])
    assert (status(run)["step"], status(run)["state"]) == (5, "finished")
    resume(run, ["training.stop_early.patience=null"])
    assert (status(run)["step"], status(run)["stopped_early"]) == (8, None)


def test_a_run_that_went_on_after_it_stopped_still_does_when_it_is_killed(
    small: Settings, during: During, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Before its first new checkpoint, too."""
    told(monkeypatch, FALLING)
    run = tmp_path / "run"
    start(few(small, *PATIENT), run)
    kills = [4]

    def kill(step: int) -> None:
        if step in kills:
            kills.clear()
            raise KeyboardInterrupt

    during(kill)
    with pytest.raises(KeyboardInterrupt):
        resume(run, ["steps=8"])
    resume(run, [])
    assert status(run)["step"] == 5


def test_one_that_is_interrupted_as_it_stops_is_only_evaluated_then(
    small: Settings, during: During, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told(monkeypatch, FALLING)
    during(interrupt_at(3, signal.SIGTERM))
    run = tmp_path / "run"
    with pytest.raises(InterruptedRun):
        start(few(small, *PATIENT), run)
    resume(run, [])
    assert (status(run)["state"], status(run)["step"]) == ("finished", 3)


FOLDERS = ("checkpoint_best", "checkpoint")


@pytest.mark.parametrize("killed_in", FOLDERS)
def test_a_kill_while_either_checkpoint_is_written_leaves_both_whole(
    small: Settings,
    validated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_in: str,
):
    """The process ends after the tensors are written and before they are the checkpoint's."""
    from runner.store import checkpoint as store

    run = tmp_path / "run"
    real = store.write_atomically

    def killed(path: Path, content: bytes, within: Path) -> None:
        both = all((run / name / "state.json").is_file() for name in FOLDERS)
        if path == run / killed_in / "state.json" and both:
            raise KeyboardInterrupt
        real(path, content, within)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            start(few(small, "training.checkpoint_minutes=1e-9"), run)
    for name in FOLDERS:
        assert load_checkpoint(run / name).tensors["model"]
    resume(run, [])
    assert is_equal(run, validated)
    assert records(run) == records(validated)
    assert best_of(run) == best_of(validated)


def test_a_best_checkpoint_of_later_steps_is_none_of_the_run(
    small: Settings, tmp_path: Path, validated: Path
):
    run = tmp_path / "run"
    shutil.copytree(validated, run)
    state = json.loads((run / "checkpoint_best" / "state.json").read_text())
    state["state"]["step"] = 9
    (run / "checkpoint_best" / "state.json").write_text(json.dumps(state))
    with pytest.raises(UsageError, match="has no best checkpoint"):
        RunLoader(make_console(), checkpoint="best").open(run)
    state["state"]["step"] = "x"
    (run / "checkpoint_best" / "state.json").write_text(json.dumps(state))
    with pytest.raises(DataError, match=r"state\.json' is corrupt"):
        RunLoader(make_console(), checkpoint="best").open(run)


@pytest.mark.parametrize(
    ("overrides", "metric", "sign"),
    [
        ((), "elbo", 1),
        (("training.stop_early.metric=loss",), "loss", -1),
        (("training.stop_early.metric=validation/elbo",), "elbo", 1),
        (("training.stop_early.metric=mig",), "scores/mean/mig", 1),
        (("training.stop_early.metric=terms/reconstruction",), "terms/reconstruction", -1),
        (("objective=ae", "prior=code", "objective.encodings=null"), "terms/reconstruction", -1),
    ],
)
def test_the_better_direction_is_known_from_the_figure(
    small: Settings, tmp_path: Path, overrides: tuple[str, ...], metric: str, sign: int
):
    run = story.prepared(few(small, *overrides), story.RunFolder(tmp_path))
    assert run.metric is not None
    assert (run.metric.name, run.metric.sign) == (metric, sign)


@pytest.mark.parametrize(
    ("overrides", "said", "hint"),
    [
        (("training.stop_early.metric=elob",), "elob is no figure of the validation", "elbo"),
        (("training.stop_early.metric=rate",), "rate is no figure", "there are loss,"),
        (
            ("training.stop_early.metric=scores/mean/mgi",),
            "is no figure of the validation",
            "scores/mean/mig",
        ),
        (
            ("objective=ae", "prior=code", "objective.encodings=null",
             "training.stop_early.metric=elbo"),
            "deterministic code", "there are loss, terms/reconstruction",
        ),
        (("validation.images=5000",), "of the 1,500 training images of digits", "a share"),
        (("batch_size=128", "validation.images=1400"), "batch_size=128 is more than the 100", ""),
    ],
)  # fmt: skip
def test_what_no_validation_can_say_is_refused_before_anything_is_written(
    small: Settings, tmp_path: Path, overrides: tuple[str, ...], said: str, hint: str
):
    with pytest.raises(UsageError) as error:
        start(few(small, *overrides), tmp_path / "run")
    assert said in error.value.message
    assert hint in (error.value.hint or "")
    assert not (tmp_path / "run").exists()


def test_scores_that_the_images_have_no_factors_for_are_refused(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from dataclasses import replace

    from runner.runs import preparation

    real = preparation.load

    def unlabelled(*of):
        dataset = real(*of)
        none = replace(dataset.train, factors_NF=dataset.train.factors_NF[:, :0])
        return replace(
            dataset, train=none, test=none, factors=(), class_factor=None, class_names=()
        )

    monkeypatch.setattr(preparation, "load", unlabelled)
    with pytest.raises(UsageError, match=r"validation\.scores: mig needs a factor"):
        start(few(small), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    start(few(small, "validation.scores=[]", "steps=3"), tmp_path / "run")
    assert "validation/elbo" in records(tmp_path / "run")[-1]


def test_a_deterministic_code_has_a_loss_and_a_reconstruction(small: Settings, tmp_path: Path):
    overrides = ("objective=ae", "prior=code", "objective.encodings=null", "steps=3")
    start(few(small, *overrides), tmp_path / "run")
    found = {key for key in records(tmp_path / "run")[-1] if key.startswith("validation/")}
    assert found >= {"validation/loss", "validation/terms/reconstruction"}
    assert not found & {"validation/elbo", "validation/rate"}


def test_the_tensors_of_the_last_checkpoint_are_as_ever(validated: Path):
    assert {name.partition("/")[0] for name in tensors_of(validated)} == {
        "model", "optimizer", "bank",
    }  # fmt: skip
