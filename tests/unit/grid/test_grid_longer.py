"""Runs of a grid that are given another length: what is written, and what is refused."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from runner.config import restore, to_yaml
from runner.config.composition import compose_run
from runner.errors import UsageError
from runner.grid import GridFolder, lengthened
from runner.store.lock import LockedError, lock
from runner.store.run_folder import RunFolder
from runner.store.signature import is_own

DIGITS = ("dataset=digits", "batch_size=100")
RUNS = [(*DIGITS, "steps=20", "seed=0"), (*DIGITS, "seed=1", "steps=20"), (*DIGITS, "seed=2")]
EPOCHS = ["epochs=5"]


@pytest.fixture
def grid(tmp_path: Path) -> GridFolder:
    """Two runs that are finished after 20 steps, and one that has not been begun."""
    made, _ = GridFolder.register(tmp_path / "grid", None, RUNS)
    for number in (0, 1):
        begun(made, number)
    return made


def begun(grid: GridFolder, number: int, **status: object) -> RunFolder:
    folder = RunFolder.create(grid.run_path(number))
    folder.write_config(to_yaml(compose_run([*grid.runs[number]])))
    of_finished = {"state": "finished", "step": 20, "steps": 20, "train_images": 1000}
    folder.update_status(**of_finished | status)
    return folder


def lengths(grid: GridFolder) -> list[tuple[int, float | None]]:
    found = [RunFolder(grid.run_path(number)).read_config() for number in (0, 1)]
    return [(config.steps, config.epochs) for config in (restore(text, []) for text in found)]


def content(grid: GridFolder) -> dict[Path, bytes]:
    """Every file but those that are hidden: locks and signatures."""
    found = (path for path in grid.path.rglob("[!.]*") if path.is_file())
    return {path: path.read_bytes() for path in found}


@contextmanager
def held_by_another(path: Path) -> Generator[None]:
    """Lock a folder in another thread, as another process would."""
    ready, done = Event(), Event()

    def hold() -> None:
        with lock(path):
            ready.set()
            done.wait(60)

    thread = Thread(target=hold)
    thread.start()
    ready.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_the_grid_is_then_the_one_with_this_length(grid: GridFolder):
    longer = lengthened(grid, [0, 1, 2], EPOCHS)
    assert longer == GridFolder.open(grid.path)
    assert longer.is_own
    expected = [(*DIGITS, f"seed={seed}", "epochs=5") for seed in range(3)]
    assert [set(words) for words in longer.runs] == [set(words) for words in expected]
    assert [epochs for _, epochs in lengths(grid)] == [5, 5]
    assert is_own(grid.run_path(0) / "config.yaml")
    assert [longer.state(n).state for n in range(3)] == ["interrupted", "interrupted", "waiting"]
    # The words of a grid that is asked for anew are those of these runs.
    _, numbers = GridFolder.register(grid.path, None, expected)
    assert numbers == [0, 1, 2]


def test_steps_take_the_place_of_epochs_and_epochs_of_steps(grid: GridFolder):
    longer = lengthened(lengthened(grid, [0, 1], EPOCHS), [0, 1], ["steps=60", "epochs=null"])
    assert lengths(grid) == [(60, None), (60, None)]
    assert set(longer.runs[0]) == {*DIGITS, "seed=0", "steps=60", "epochs=null"}
    assert longer.runs[2] == RUNS[2]


def test_a_run_that_is_as_long_stays_finished(grid: GridFolder):
    before = content(grid)
    longer = lengthened(grid, [0], ["epochs=2"])
    assert longer.state(0).state == "finished"
    changed = [path.name for path, text in content(grid).items() if before.get(path) != text]
    assert changed == ["grid.json"]


@pytest.mark.parametrize(
    "status", [{"state": "diverged"}, {"state": "pruned"}, {"stopped_early": "no better"}]
)
def test_runs_that_would_not_go_on_stay_as_they_are(grid: GridFolder, status: dict[str, str]):
    begun(grid, 1, **status)
    before = content(grid)
    longer = lengthened(grid, [1], EPOCHS)
    assert longer.runs == grid.runs
    assert content(grid) == before


@pytest.mark.parametrize("method", ["pca", "dbn", "stacked_ae", "gan"])
def test_methods_that_cannot_be_trained_further_stay_as_they_are(tmp_path: Path, method: str):
    runs = [(*DIGITS, "steps=20"), (*DIGITS, "steps=20", f"objective={method}")]
    grid, _ = GridFolder.register(tmp_path / "grid", None, runs)
    for number in (0, 1):
        begun(grid, number)
    before = content(grid)
    longer = lengthened(grid, [0, 1], EPOCHS)
    assert longer.runs[1] == runs[1]
    changed = {
        str(p.relative_to(grid.path)) for p, text in content(grid).items() if before[p] != text
    }
    assert changed == {"grid.json", "0/config.yaml", "0/status.json"}


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (["steps=10", "epochs=null"], "steps=10 ends at step 10, which lies before step 20"),
        (["epochs=1"], "epochs=1 ends at step 10, which lies before step 20"),
        (["epochs=-1"], "epochs"),
        (["epochs=some"], "epochs must be a number"),
    ],
)
def test_a_length_that_none_can_have_changes_nothing(
    grid: GridFolder, length: list[str], message: str
):
    before = content(grid)
    with pytest.raises(UsageError, match=message):
        lengthened(grid, [0, 1, 2], length)
    assert content(grid) == before


def test_runs_that_would_be_the_same_are_refused(tmp_path: Path):
    runs = [(*DIGITS, "steps=20"), (*DIGITS, "steps=40")]
    grid, _ = GridFolder.register(tmp_path / "grid", None, runs)
    before = content(grid)
    with pytest.raises(UsageError, match="the runs 0 and 1 would be the same") as refused:
        lengthened(grid, [0, 1], EPOCHS)
    assert "only=" in (refused.value.hint or "")
    assert content(grid) == before
    assert len(set(lengthened(grid, [1], EPOCHS).runs)) == 2


def test_a_run_that_is_being_trained_is_refused(grid: GridFolder):
    begun(grid, 1, state="running")
    before = content(grid)
    with held_by_another(grid.run_path(1)), pytest.raises(LockedError):
        lengthened(grid, [0, 1], EPOCHS)
    assert content(grid) == before
