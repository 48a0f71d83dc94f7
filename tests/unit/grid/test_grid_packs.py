"""A worker that trains several runs at once: what it reports of each, and what each prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.console.signals import Interrupt
from runner.figures.of_run import RunFigures
from runner.grid import GridFolder, work
from runner.grid.failures import UnforeseenError
from runner.grid.packs import Packs
from runner.store.run_folder import RunFolder

SMALL = ("debug=default", "dataset=digits", "architecture.widths=[8]", "prior.dimensions=4",
         "evaluation.encodings=40", "device=cpu")  # fmt: skip
RUNS = [
    (*SMALL, "seed=0"),
    (*SMALL, "seed=1", "betta=3"),
    (*SMALL, "seed=2", "objective=vae"),
    (*SMALL, "seed=3", "objective=vae"),
]


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GridFolder:
    monkeypatch.setattr(Interrupt, "last", None)
    monkeypatch.setattr(RunFigures, "figures", lambda *_: iter(()))
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)
    return GridFolder.register(tmp_path / "grid", None, RUNS)[0]


def worked(grid: GridFolder, capfd: pytest.CaptureFixture[str]) -> list[Mapping[str, Any]]:
    """Train all runs, up to four at once; what is printed goes to their own logs."""
    events: list[Mapping[str, Any]] = []

    def tell(event: Mapping[str, Any]) -> bool:
        events.append(event)
        return True

    with capfd.disabled():
        try:
            work(grid.path, (0, 1, 2, 3), (), tell, pack=4)
        except UnforeseenError as error:
            events.append({"bug": str(error)})
    return events


def test_runs_of_a_pack_are_reported_and_print_into_their_own_logs(
    grid: GridFolder, capfd: pytest.CaptureFixture[str]
):
    events = worked(grid, capfd)
    assert [event["begin"] for event in events if "begin" in event] == [0, 2, 3, 1]
    ended = {event["end"]: (event["state"], event["error"]) for event in events if "end" in event}
    finished = dict.fromkeys((0, 2, 3), ("finished", None))
    assert ended == {**finished, 1: ("failed", "unknown setting 'betta'")}
    logs = [(grid.run_path(number) / "log.txt").read_text() for number in range(4)]
    assert logs[1] == "error: unknown setting 'betta'\n"
    assert "trained with  runs 2, 3\n" in logs[0]
    assert "trained with  runs 0, 2\n" in logs[3]
    for number in (0, 2, 3):
        assert logs[number].count("evaluating") == 1
        assert f"seed={number}" in logs[number]
    states = [grid.state(number).state for number in range(4)]
    assert states == ["finished", "failed", "finished", "finished"]


def test_a_worker_takes_no_more_runs_than_have_fitted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[list[int]] = []

    def train(_: Packs, numbers: list[int]) -> int | None:
        seen.append(numbers)
        for number in numbers:
            grid.mark(number, "finished", None)
        return 2 if len(seen) == 1 else None

    runs = [(*SMALL, f"seed={seed}") for seed in range(8)]
    grid, _ = GridFolder.register(tmp_path / "larger", None, runs)
    monkeypatch.setattr(Packs, "train", train)
    work(grid.path, tuple(range(8)), (), lambda _: True, pack=4)
    assert seen == [[0, 1, 2, 3], [4, 5], [6, 7]]


def test_after_a_bug_in_one_run_the_others_end_and_another_process_goes_on(
    grid: GridFolder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    real = RunFolder.append_record

    def broken(folder: RunFolder, record: Mapping[str, float]) -> None:
        if folder.path.name == "2":
            raise ValueError("boom\nand more")
        real(folder, record)

    monkeypatch.setattr(RunFolder, "append_record", broken)
    events = worked(grid, capfd)
    assert events[-1] == {"bug": "ValueError: boom"}
    ended = {event["end"]: event["state"] for event in events if "end" in event}
    assert ended == {0: "finished", 2: "failed", 3: "finished"}
    assert grid.state(2).error == "boom"
    assert "Traceback" in (grid.run_path(2) / "log.txt").read_text()
    assert "Traceback" not in (grid.run_path(3) / "log.txt").read_text()
