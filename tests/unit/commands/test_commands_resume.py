"""``vaerun resume``: which folder, and what may be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

import runner.runs.train
from runner.commands.arguments import read
from runner.commands.manual import RESUME
from runner.commands.resume import run
from runner.errors import UsageError
from runner.grid import GridFolder


def resume(*arguments: str) -> int:
    return run(read(RESUME, arguments))


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, list[str]]]:
    calls: list[tuple[Path, list[str]]] = []
    monkeypatch.setattr(
        runner.runs.train,
        "resume",
        lambda *given, trusted: calls.append((*given, "trusted") if trusted else given),
    )
    return calls


def test_a_run_goes_on_with_its_folder_and_settings(resumed: list[tuple[Path, list[str]]]):
    assert resume("steps=9", "folder", "device=cpu") == 0
    assert resume("--trust", "folder") == 0
    assert resumed == [
        (Path("folder"), ["steps=9", "device=cpu", "epochs=null"]),
        (Path("folder"), [], "trusted"),
    ]


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("steps=3",)])
def test_one_folder_is_needed(arguments: tuple[str, ...], resumed: list[tuple[Path, list[str]]]):
    with pytest.raises(UsageError, match="resume takes the folder of one run, or of one grid"):
        resume(*arguments)
    assert resumed == []


def test_a_run_composes_nothing_and_so_takes_no_folder_of_yaml(tmp_path: Path):
    with pytest.raises(UsageError, match="--config-dir is for grids") as refused:
        resume("folder", "--config-dir", str(tmp_path))
    assert "config.yaml has all settings" in (refused.value.hint or "")


@pytest.mark.parametrize("override", ["beta=3", "out=x", "sweep=smoke", "hydra/launcher=x"])
def test_a_grid_stays_the_grid_it_is(tmp_path: Path, override: str):
    grid, _ = GridFolder.register(tmp_path / "grid", None, [("seed=0",)])
    with pytest.raises(UsageError, match="resume of a grid cannot change"):
        resume(str(grid.path), override)


def test_a_grid_that_is_finished_has_nothing_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    grid, _ = GridFolder.register(tmp_path / "grid", None, [("seed=0",), ("seed=1",)])
    for number in (0, 1):
        grid.mark(number, "finished", None)
    assert resume(str(grid.path), "only=1") == 0
    printed = capsys.readouterr()
    assert "0 to train, 1 done with" in printed.err
    assert printed.out == f"{grid.path}\n"
