"""The story of a run: what it records, when it saves, how it ends, and what resume refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from runner.errors import DivergedError, InterruptedRun, UsageError, VaerunError
from runner.method import vae
from runner.runs import clock, fit, story
from runner.runs.train import resume, start
from runner.store.checkpoint import load as load_checkpoint
from runner.store.lock import lock
from tests.unit.runs.conftest import Settings, tensors_of

During = Callable[[Callable[[int], None]], None]


def status(run: Path) -> dict[str, Any]:
    return json.loads((run / "status.json").read_text())


def records(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [
        {key: value for key, value in json.loads(line).items() if key != "images_per_second"}
        for line in lines
    ]


def is_equal(one: Path, other: Path) -> bool:
    ours, theirs = tensors_of(one), tensors_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def interrupt_at(step: int, number: signal.Signals = signal.SIGTERM) -> Callable[[int], None]:
    """An event that asks to stop, once."""
    left = [step]

    def event(now: int) -> None:
        if now in left:
            left.clear()
            signal.raise_signal(number)

    return event


@pytest.fixture(autouse=True)
def hears_ctrl_c() -> Iterator[None]:
    """Tests that run in the background of a script ignore SIGINT, and so would their runs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def stopped(small: Settings, during: During, tmp_path: Path) -> Path:
    """A run of eight steps that was interrupted after the fifth."""
    during(interrupt_at(5))
    with pytest.raises(InterruptedRun):
        start(small(), tmp_path / "run")
    return tmp_path / "run"


def test_a_finished_run_has_its_records_its_checkpoint_and_its_figures(finished: Path):
    assert [record["step"] for record in records(finished)] == [1, 2, 4, 6, 8]
    assert load_checkpoint(finished / "checkpoint").state["step"] == 8
    said = status(finished)
    assert (said["state"], said["step"], said["steps"], said["error"]) == ("finished", 8, 8, None)
    assert said["train_images"] == 1500
    assert said["seconds"] > 0
    assert json.loads((finished / "summary.json").read_text())["step"] == 8
    assert (finished / "figures" / "reconstructions.png").is_file()


def test_the_folder_is_the_one_line_on_standard_output(
    small: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    start(small("steps=1"), tmp_path / "run")
    assert capsys.readouterr().out == "run\n"


def test_a_checkpoint_is_saved_at_the_start_every_few_minutes_and_at_the_end(
    small: Settings, during: During, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    at, saved = SimpleNamespace(now=0.0), list[int]()
    real = fit.save_checkpoint

    def tick(_: int) -> None:
        at.now += 25

    def noted(folder: Path, checkpoint: Any) -> None:
        saved.append(checkpoint.state["step"])
        real(folder, checkpoint)

    for module in (clock, fit):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: at.now))
    monkeypatch.setattr(fit, "save_checkpoint", noted)
    during(tick)
    start(small("training.checkpoint_minutes=1"), tmp_path / "run")
    assert saved == [0, 3, 6, 8]  # 75 seconds are the first that are more than a minute
    assert status(tmp_path / "run")["seconds"] == 8 * 25


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_after_its_step_with_a_checkpoint(
    small: Settings, during: During, tmp_path: Path, number: signal.Signals, code: int
):
    run = tmp_path / "run"
    during(interrupt_at(5, number))
    with pytest.raises(InterruptedRun, match="interrupted at step 5 of 8") as interrupted:
        start(small(), run)
    assert interrupted.value.exit_code == code
    assert interrupted.value.hint == f"go on with: vaerun resume {run}"
    assert load_checkpoint(run / "checkpoint").state["step"] == 5
    said = status(run)
    assert (said["state"], said["step"]) == ("interrupted", 5)
    assert said["error"] == "interrupted at step 5 of 8, after a checkpoint"
    assert not (run / "summary.json").exists()


def test_a_diverged_run_keeps_the_checkpoint_before_it(small: Settings, tmp_path: Path):
    run = tmp_path / "run"
    with pytest.raises(DivergedError, match="no longer a finite number"):
        start(small("objective=vae", "learning_rate=1e8", "steps=60"), run)
    assert status(run)["state"] == "diverged"
    assert "no longer a finite number" in status(run)["error"]
    assert load_checkpoint(run / "checkpoint").state["step"] == 0


def test_a_broken_state_is_not_saved_before_a_record_shows_it(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = vae.train

    def breaking(state, *rest):
        for record in real(state, *rest):
            if state.step == 3:
                next(state.model.parameters()).data.fill_(float("nan"))
            yield record

    monkeypatch.setattr(vae, "train", breaking)
    with pytest.raises(DivergedError):
        start(small("training.checkpoint_minutes=0.0000001"), tmp_path / "run")
    assert load_checkpoint(tmp_path / "run" / "checkpoint").state["step"] == 2


def test_a_failed_run_says_why_in_one_line(small: Settings, during: During, tmp_path: Path):
    def fail(step: int) -> None:
        raise RuntimeError("the first line\nand more")

    during(fail)
    with pytest.raises(RuntimeError):
        start(small(), tmp_path / "run")
    assert status(tmp_path / "run")["state"] == "failed"
    assert status(tmp_path / "run")["error"] == "the first line"
    assert status(tmp_path / "run")["seconds"] >= 0


def test_too_little_memory_is_an_error_with_advice(small: Settings, during: During, tmp_path: Path):
    def fill(step: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    during(fill)
    with pytest.raises(VaerunError, match="too little memory") as error:
        start(small(), tmp_path / "run")
    assert "batch_size" in str(error.value.hint)
    assert status(tmp_path / "run")["state"] == "failed"


def test_too_little_memory_for_the_evaluation_keeps_the_training(
    small: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def fill(*_: object) -> None:
        np.zeros(10**15)

    with monkeypatch.context() as patched:
        patched.setattr(story, "summarize_run", fill)
        with pytest.raises(VaerunError, match=r"too little memory for .* needs 7.11 PiB more"):
            start(small(), tmp_path / "run")
    assert status(tmp_path / "run")["state"] == "failed"
    assert "too little memory" in status(tmp_path / "run")["error"]
    resume(tmp_path / "run", [])
    assert status(tmp_path / "run")["state"] == "finished"


def test_a_resumed_run_ends_as_if_it_had_never_stopped(stopped: Path, finished: Path):
    assert not is_equal(stopped, finished)
    resume(stopped, [])
    assert is_equal(stopped, finished)
    assert records(stopped) == records(finished)
    summaries = [json.loads((run / "summary.json").read_text()) for run in (stopped, finished)]
    assert summaries[0] == summaries[1]
    assert (status(stopped)["state"], status(stopped)["error"]) == ("finished", None)


def test_records_after_the_checkpoint_are_taken_back(stopped: Path, finished: Path):
    with (stopped / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "loss": 0.5}\n')  # as of a run that was killed before it saved
    resume(stopped, [])
    assert records(stopped) == records(finished)


def test_seconds_add_up_over_resumed_parts(stopped: Path):
    file = stopped / "status.json"
    file.write_text(json.dumps(status(stopped) | {"seconds": 1000.0}))
    resume(stopped, [])
    assert 1000 < status(stopped)["seconds"] < 1100


def test_a_run_killed_before_its_first_checkpoint_starts_again(stopped: Path, finished: Path):
    shutil.rmtree(stopped / "checkpoint")
    (stopped / "metrics.jsonl").unlink()
    (stopped / "status.json").write_text(json.dumps(status(stopped) | {"step": 0}))
    resume(stopped, [])
    assert is_equal(stopped, finished)
    assert records(stopped) == records(finished)


def test_a_finished_run_can_be_trained_further(finished: Path, small: Settings, tmp_path: Path):
    further, whole = tmp_path / "further", tmp_path / "whole"
    shutil.copytree(finished, further)
    resume(further, ["steps=10"])
    start(small("steps=10"), whole)
    assert is_equal(further, whole)
    assert [record["step"] for record in records(further)] == [1, 2, 4, 6, 8, 10]
    assert status(further)["steps"] == 10


def test_with_another_evaluation_a_finished_run_is_evaluated_again(finished: Path, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    resume(run, ["evaluation.encodings=50"])
    assert json.loads((run / "summary.json").read_text())["encodings"] == 50
    assert is_equal(run, finished)


def test_a_checkpoint_of_another_model_is_refused(stopped: Path):
    config = stopped / "config.yaml"
    config.write_text(config.read_text().replace("- 8\n", "- 9\n"))  # the width of the network
    with pytest.raises(UsageError, match="belongs to another model"):
        resume(stopped, [])
    assert load_checkpoint(stopped / "checkpoint").state["step"] == 5


def test_a_folder_without_a_run_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="is not a run folder"):
        resume(tmp_path / "nowhere", [])
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - nothing was made


def test_two_do_not_work_in_one_folder(stopped: Path):
    ready, over = threading.Event(), threading.Event()

    def work() -> None:
        with lock(stopped):
            ready.set()
            over.wait(60)

    other = threading.Thread(target=work)
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(UsageError, match="another process works in"):
            resume(stopped, [])
    finally:
        over.set()
        other.join()
    assert status(stopped)["state"] == "interrupted"
