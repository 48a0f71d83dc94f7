"""Workers: locks, reported events, and unforeseen errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import runner.runs.train
from runner.config import RunConfig
from runner.console.signals import Interrupt
from runner.errors import DataError, InterruptedRun
from runner.grid import GridFolder, RunState, work
from runner.grid.failures import UnforeseenError

RUNS = [("dataset=digits", f"seed={seed}") for seed in range(3)]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Interrupt, "last", None)
    return GridFolder.register(tmp_path / "grid", "some", RUNS)[0].path


@pytest.fixture
def events() -> list[Mapping[str, Any]]:
    return []


def trained(
    monkeypatch: pytest.MonkeyPatch, outcomes: Mapping[int, Exception]
) -> list[tuple[int, str]]:
    """Replace training: a run finishes, or raises what is given for its seed."""
    done: list[tuple[int, str]] = []

    def start(config: RunConfig, path: Path, unresolved: str, goes_on: object) -> None:
        done.append((config.seed, config.name))
        if config.seed in outcomes:
            raise outcomes[config.seed]
        (path / "status.json").write_text(json.dumps({"state": "finished"}))

    monkeypatch.setattr(runner.runs.train, "start", start)
    return done


def listener(events: list[Mapping[str, Any]], *, until: int = 99) -> Callable[..., bool]:
    def tell(event: Mapping[str, Any]) -> bool:
        events.append(event)
        return len(events) < until

    return tell


def test_every_run_is_trained_and_reported(
    path: Path, events: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    done = trained(monkeypatch, {})
    work(path, (0, 1, 2), (), listener(events))
    assert done == [(seed, f"digits-hfvae seed={seed}") for seed in range(3)]
    assert events == [
        event
        for number in range(3)
        for event in (
            {"begin": number},
            {"end": number, "state": "finished", "error": None},
        )
    ]
    work(path, (0, 1, 2), (), listener(events))
    assert len(done) == 3  # nothing was left


def test_a_failed_run_says_why_and_the_others_are_trained(
    path: Path,
    events: list[Mapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    trained(monkeypatch, {1: DataError("the file is gone")})
    with capfd.disabled():  # what is printed goes to the run's own log
        work(path, (0, 1, 2), (), listener(events))
    grid = GridFolder.open(path)
    assert [grid.state(n).state for n in range(3)] == ["finished", "failed", "finished"]
    assert grid.state(1).error == "the file is gone"
    assert (path / "1" / "log.txt").read_text() == "error: the file is gone\n"


def test_settings_that_cannot_be_composed_fail_their_run_alone(
    tmp_path: Path, events: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    done = trained(monkeypatch, {})
    runs = [("dataset=digits", "betta=3"), RUNS[0]]
    grid, _ = GridFolder.register(tmp_path / "bad", None, runs)
    work(grid.path, (0, 1), (), listener(events))
    assert grid.state(0) == RunState("failed", "unknown setting 'betta'")
    assert [seed for seed, _ in done] == [0]


def test_after_an_unforeseen_error_another_process_goes_on(
    path: Path,
    events: list[Mapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    done = trained(monkeypatch, {0: ValueError("boom\nand more")})
    with capfd.disabled(), pytest.raises(UnforeseenError, match="ValueError: boom"):
        work(path, (0, 1), (), listener(events))
    assert [seed for seed, _ in done] == [0]
    grid = GridFolder.open(path)
    assert grid.state(0) == RunState("failed", "ValueError: boom")
    assert "Traceback" in (path / "0" / "log.txt").read_text()
    assert events[-1] == {"end": 0, "state": "failed", "error": "ValueError: boom"}


def test_an_interruption_ends_the_worker(
    path: Path, events: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    done = trained(monkeypatch, {1: InterruptedRun("stopped", None, 2)})
    with pytest.raises(InterruptedRun):
        work(path, (0, 1, 2), (), listener(events))
    assert [seed for seed, _ in done] == [0, 1]


def test_a_worker_whose_parent_exited_stops_after_its_run(
    path: Path, events: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    done = trained(monkeypatch, {})
    work(path, (0, 1, 2), (), listener(events, until=2))
    assert [seed for seed, _ in done] == [0]


def test_places_reach_the_settings(
    path: Path, events: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    seen: list[RunConfig] = []
    texts: list[str] = []

    def start(config: RunConfig, folder: Path, unresolved: str, goes_on: object) -> None:
        seen.append(config)
        texts.append(unresolved)
        (folder / "status.json").write_text(json.dumps({"state": "finished"}))

    monkeypatch.setattr(runner.runs.train, "start", start)
    work(path, (0,), ("device=cpu", "data_dir=elsewhere"), listener(events))
    assert [(c.device, c.data_dir, c.sweep_name) for c in seen] == [("cpu", "elsewhere", "some")]
    assert "dataset=digits" in yaml.safe_load(texts[0])["composition"]["overrides"]
