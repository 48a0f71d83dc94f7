"""A grid goes as a whole; without one of its runs it is still a grid, which would train it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import DataError, UsageError
from runner.grid.deletion import grid_of, grid_targets
from runner.grid.folder import GridFolder
from runner.store.deletion import run_target
from tests.made_run_folders import config, write_run
from tests.snapshot import snapshot

RUNS = [(f"beta={beta}",) for beta in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sweep-some"
    GridFolder.register(path, "some", RUNS)
    for number in range(2):
        write_run(path / str(number), config(beta=float(number)))
    return path


def delete(path: Path) -> list[str]:
    return [name for target in grid_targets(path) for name in target.delete().left]


def test_a_grid_goes_with_its_runs(path: Path):
    (path / "slurm" / "1").mkdir(parents=True)
    (path / "slurm" / "1" / "1_0_log.out").write_text("")
    (path / "comparison").mkdir()
    (path / "comparison" / "comparison.html").write_text("")
    targets = grid_targets(path)
    assert [target.kind for target in targets] == ["run", "run", "grid"]
    assert all(target.found.left == [] for target in targets)
    assert delete(path) == []
    assert not path.exists()


def test_what_is_not_of_the_grid_stays(path: Path):
    (path / "notes.txt").write_text("mine")
    (path / "0" / "mine.txt").write_text("mine")
    other = write_run(path / "7", config())  # no run of the grid has this number
    before = snapshot(other)
    assert delete(path) == ["mine.txt", "0/", "7/", "notes.txt"]
    assert snapshot(other) == before
    assert not (path / "grid.json").exists()
    assert not (path / "1").exists()


def test_a_link_in_place_of_a_run_goes_and_its_target_stays(path: Path, tmp_path: Path):
    elsewhere = write_run(tmp_path / "elsewhere", config())
    (path / "2").symlink_to(elsewhere)
    before = snapshot(elsewhere)
    assert delete(path) == []
    assert not path.exists()
    assert snapshot(elsewhere) == before


def test_a_run_of_a_grid_goes_alone_and_waits_again(path: Path):
    found = grid_of(path / "1")
    assert found is not None
    assert found[1] == 1
    bookkeeping = (path / "grid.json").read_bytes()
    assert run_target(path / "1").delete().left == []
    assert (path / "grid.json").read_bytes() == bookkeeping
    grid = GridFolder.open(path)
    states = [grid.state(number).state for number in range(3)]
    assert states == ["finished", "waiting", "waiting"]
    assert grid.pending(1)


def test_a_run_outside_of_a_grid_belongs_to_none(path: Path, tmp_path: Path):
    assert grid_of(write_run(tmp_path / "0", config())) is None
    assert grid_of(write_run(path / "03", config())) is None
    assert grid_of(write_run(path / "9", config())) is None
    (path / "grid.json").write_text("{")
    assert grid_of(path / "1") is None


def test_a_grid_that_is_corrupt_or_a_link_is_refused(path: Path, tmp_path: Path):
    (path / "grid.json").rename(tmp_path / "grid.json")
    (path / "grid.json").symlink_to(tmp_path / "grid.json")
    with pytest.raises(UsageError, match="is a link"):
        grid_targets(path)
    (path / "grid.json").unlink()
    (path / "grid.json").write_text('{"runs": 3}')
    with pytest.raises(DataError, match="corrupt"):
        grid_targets(path)
