"""Runs of a pack: each has the folder that it has alone, and how one ends is its own affair."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from runner.errors import DivergedError, InterruptedRun, PrunedRun
from runner.figures.of_run import RunFigures
from runner.runs import pack
from runner.runs.pack import PackedRun, carry_out_together, key_of
from runner.runs.story import Ready
from runner.runs.train import ready_to_resume, ready_to_start, start
from runner.store.checkpoint import load as load_checkpoint
from runner.store.run_folder import RunFolder
from runner.training.packed import Pack, PackTooLargeError
from tests.unit.runs.conftest import Settings, tensors_of

OBJECTIVES = (
    ("objective=hfvae", "beta=3"),
    ("objective=vae", "seed=1"),
    ("objective=beta_tcvae", "learning_rate=0.003"),
    ("objective=dip_vae_i", "steps=5"),
    ("objective=info_vae", "training.clip_gradient=1"),
)


@pytest.fixture(autouse=True)
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunFigures, "figures", lambda *_: iter(()))
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)


Outcomes = dict[str, Exception | None]


def together(*ready: Ready, fitting: int | None = None) -> tuple[Outcomes, list[str]]:
    """Train runs together; return the error of each by the name of its folder, and the notes.

    ``fitting``: how many of them fit into the memory together, if not all.
    """
    ended, notes = dict[str, Exception | None](), list[str]()

    def end_of(name: str) -> Callable[[Exception | None], None]:
        return lambda error: ended.update({name: error})

    runs = [PackedRun(each, nullcontext, end_of(each.run.folder.path.name)) for each in ready]
    assert carry_out_together(runs, notes.append) == fitting
    return ended, notes


def new(small: Settings, folder: Path, *given: tuple[str, ...], **options: Any) -> list[Ready]:
    return [
        ready_to_start(small(*overrides), folder / str(number), **options)
        for number, overrides in enumerate(given)
    ]


def status(run: Path) -> dict[str, Any]:
    return json.loads((run / "status.json").read_text())


def records(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def files(run: Path) -> set[str]:
    """The files of a run, without the digests in the names of a checkpoint's."""
    found = (path.relative_to(run) for path in run.rglob("*") if path.is_file())
    return {str(path.parent / path.name.split("-")[0]) for path in found}


def comparable(run: Path) -> list[dict[str, float]]:
    return [{k: v for k, v in r.items() if k != "images_per_second"} for r in records(run)]


@contextmanager
def after(monkeypatch: pytest.MonkeyPatch, event: Callable[[Mapping[int, Any]], None]):
    """Call ``event`` with what every run of a pack reports after each step."""
    real = Pack.train

    def watched(self: Pack) -> Iterator[Any]:
        for reports in real(self):
            event(reports)
            yield reports

    with monkeypatch.context() as patched:
        patched.setattr(Pack, "train", watched)
        yield


def test_runs_of_a_pack_have_the_folders_that_they_have_alone(small: Settings, tmp_path: Path):
    ready = new(small, tmp_path / "pack", *OBJECTIVES)
    assert len({key_of(each) for each in ready}) == 1
    ended, _ = together(*ready)
    assert ended == dict.fromkeys("01234")
    for number, overrides in enumerate(OBJECTIVES):
        packed, alone = tmp_path / "pack" / str(number), tmp_path / "alone" / str(number)
        start(small(*overrides), alone)
        assert files(packed) == files(alone)
        assert (packed / "config.yaml").read_bytes() == (alone / "config.yaml").read_bytes()
        assert status(packed).keys() == status(alone).keys()
        assert status(packed)["state"] == "finished"
        assert status(packed)["images_per_second"] > 0
        for one, other in zip(records(packed), records(alone), strict=True):
            assert list(one) == list(other)
            del one["images_per_second"], other["images_per_second"]
            assert one == pytest.approx(other, rel=1e-3, abs=1e-3)
        ours, theirs = tensors_of(packed), tensors_of(alone)
        assert ours.keys() == theirs.keys()
        for name, tensor in ours.items():
            torch.testing.assert_close(tensor, theirs[name], rtol=1e-2, atol=1e-2)


def test_how_a_run_ends_is_its_own_affair(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = [("seed=0",), ("seed=1", "learning_rate=1e8"), ("seed=2",), ("seed=3",), ("seed=4",)]
    ready = new(small, tmp_path, *given)
    pruned = ready_to_start(small("seed=2"), tmp_path / "2", goes_on=lambda r: r["step"] < 4)
    real = RunFolder.append_record

    def full(folder: RunFolder, record: Mapping[str, float]) -> None:
        if folder.path.name == "3" and record["step"] > 4:
            raise OSError(28, "No space left on device")
        if folder.path.name == "4" and record["step"] > 6:
            raise ValueError("a bug")
        real(folder, record)

    monkeypatch.setattr(RunFolder, "append_record", full)
    ended, _ = together(ready[0], ready[1], pruned, ready[3], ready[4])
    kinds = {name: type(error) for name, error in ended.items()}
    assert kinds == {
        "0": type(None), "1": DivergedError, "2": PrunedRun, "3": OSError, "4": ValueError,
    }  # fmt: skip
    states = [status(tmp_path / str(number))["state"] for number in range(5)]
    assert states == ["finished", "diverged", "pruned", "failed", "failed"]
    assert "no longer a finite number" in status(tmp_path / "1")["error"]
    assert load_checkpoint(tmp_path / "1" / "checkpoint").state["step"] == 0
    assert load_checkpoint(tmp_path / "2" / "checkpoint").state["step"] == 4
    assert (tmp_path / "0" / "summary.json").exists()
    assert not (tmp_path / "2" / "summary.json").exists()


def test_validations_and_early_stops_are_those_of_the_run(small: Settings, tmp_path: Path):
    common = ("validation.every=2", "validation.images=40", "validation.encodings=40")
    stops = (*common, "training.stop_early.patience=1", "training.stop_early.min_delta=1e9")
    ended, _ = together(*new(small, tmp_path, (*common,), stops))
    assert ended == dict.fromkeys("01")
    assert [records(tmp_path / name)[-1]["step"] for name in "01"] == [8, 4]
    assert "was not better" in status(tmp_path / "1")["stopped_early"]
    assert (tmp_path / "0" / "checkpoint_best" / "state.json").exists()
    start(small(*common), tmp_path / "alone")
    for one, other in zip(comparable(tmp_path / "0"), comparable(tmp_path / "alone"), strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-3)


def test_a_signal_ends_all_runs_with_checkpoints_and_they_go_on_to_the_same_bits(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = [("seed=0",), ("objective=vae", "seed=1"), ("seed=2", "steps=10")]
    together(*new(small, tmp_path / "whole", *given))
    steps = iter(range(1, 9))

    def interrupt(_: object) -> None:
        if next(steps) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with after(monkeypatch, interrupt):
        ended, _ = together(*new(small, tmp_path / "stopped", *given))
    assert {type(error) for error in ended.values()} == {InterruptedRun}
    for name in "012":
        run = tmp_path / "stopped" / name
        assert (status(run)["state"], status(run)["step"]) == ("interrupted", 5)
        assert load_checkpoint(run / "checkpoint").state["step"] == 5
    again = [ready_to_resume(tmp_path / "stopped" / name, []) for name in "012"]
    assert together(*again)[0] == dict.fromkeys("012")
    for name in "012":
        one, other = (tmp_path / folder / name for folder in ("whole", "stopped"))
        assert comparable(one) == comparable(other)
        ours, theirs = tensors_of(one), tensors_of(other)
        assert all(ours[key].equal(theirs[key]) for key in ours)


def test_runs_that_stand_at_different_steps_train_together(small: Settings, tmp_path: Path):
    start(small("seed=0", "steps=3"), tmp_path / "0")
    ready = ready_to_resume(tmp_path / "0", ["steps=8"])
    ended, _ = together(ready, ready_to_start(small("seed=1"), tmp_path / "1"))
    assert ended == dict.fromkeys("01")
    start(small("seed=0"), tmp_path / "alone")
    ours, theirs = records(tmp_path / "0")[-1], records(tmp_path / "alone")[-1]
    assert ours["step"] == theirs["step"] == 8
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-3)


def test_a_pack_that_is_too_large_is_halved(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real, tried = Pack.train, list[int]()

    def small_memory(self: Pack) -> Iterator[Any]:
        tried.append(len(self.active))
        if len(self.active) > 2:
            raise PackTooLargeError("too little memory")
        yield from real(self)

    monkeypatch.setattr(pack.Pack, "train", small_memory)
    given = [(f"seed={seed}", "steps=2") for seed in range(5)]
    ended, notes = together(*new(small, tmp_path, *given), fitting=2)
    assert ended == dict.fromkeys("01234")
    assert tried == [5, 3, 2, 2]
    assert len(notes) == 2
    assert "5 runs are too many to train together in this memory: 3 and 2 instead" in notes


def test_an_error_of_all_fails_all_and_a_second_signal_reaches_whoever_trains(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def break_down(reports: Mapping[int, Any]) -> None:
        if any(report and report["step"] == 2 for report in reports.values()):
            raise RuntimeError("broken")

    with after(monkeypatch, break_down):
        ended, _ = together(*new(small, tmp_path / "broken", ("seed=0",), ("seed=1",)))
    assert {str(error) for error in ended.values()} == {"broken"}
    assert [status(tmp_path / "broken" / name)["state"] for name in "01"] == ["failed"] * 2

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with after(monkeypatch, stop), pytest.raises(KeyboardInterrupt):
        together(*new(small, tmp_path / "stopped", ("seed=0",), ("seed=1",)))
    assert [status(tmp_path / "stopped" / name)["state"] for name in "01"] == ["interrupted"] * 2


def test_the_seconds_of_all_runs_are_those_that_have_passed(small: Settings, tmp_path: Path):
    begun, ready = time.monotonic(), list[Ready]()
    for seed in range(3):
        ready += [ready_to_start(small(f"seed={seed}"), tmp_path / str(seed))]
        ready[-1].clock.stop()  # the next one is prepared
    together(*ready)
    passed = time.monotonic() - begun
    shares = [status(tmp_path / str(number))["seconds"] for number in range(3)]
    assert 0 < sum(shares) <= passed + 0.2  # each is written to a tenth


def test_what_does_not_fit_trains_alone(small: Settings, tmp_path: Path):
    given = [("seed=0",), ("seed=1", "objective=factor_vae"), ("seed=2", "prior.dimensions=6")]
    keys = [key_of(each) for each in new(small, tmp_path, *given)]
    assert keys[1] is None
    assert len({keys[0], keys[2]}) == 2
    start(small("steps=2"), tmp_path / "0")
    evaluated = ready_to_resume(tmp_path / "0", ["steps=2"])
    assert key_of(evaluated) is None
