"""The folder of a grid: runs by their settings, fixed numbers, and states."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.comparison.runs import read_runs
from runner.errors import DataError, UsageError
from runner.grid import GridFolder, RunState, exit_code, is_grid, labels_of
from runner.grid.labels import names_of
from runner.store.lock import lock
from tests.snapshot import snapshot

RUNS = [("beta=1", "seed=0"), ("beta=1", "seed=1"), ("beta=4", "seed=0")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "sweep-some"


def write_status(path: Path, number: int, **status: object) -> None:
    (path / str(number)).mkdir(parents=True, exist_ok=True)
    (path / str(number) / "status.json").write_text(json.dumps(status))


def test_a_grid_is_found_again(path: Path):
    grid, indices = GridFolder.register(path, "some", RUNS)
    assert indices == [0, 1, 2]
    assert GridFolder.open(path) == grid
    assert grid.runs == tuple(RUNS)
    before = (path / "grid.json").read_bytes()
    assert GridFolder.register(path, "some", RUNS)[1] == [0, 1, 2]
    assert (path / "grid.json").read_bytes() == before


def test_numbering_a_grid_writes_nothing(path: Path):
    grid, indices = GridFolder.numbered(path, "some", RUNS)
    assert (len(grid.runs), indices) == (3, [0, 1, 2])
    assert not path.exists()


def test_runs_keep_their_numbers_when_the_grid_grows_or_shrinks(path: Path):
    GridFolder.register(path, "some", RUNS)
    grid, indices = GridFolder.register(
        path, "some", [("seed=0", "beta=4.0"), ("beta=8", "seed=0"), ("beta=1", "seed=1")]
    )
    assert indices == [2, 3, 1]
    assert grid.runs == (*RUNS, ("beta=8", "seed=0"))
    assert GridFolder.register(path, "some", RUNS[:1])[1] == [0]
    assert len(GridFolder.open(path).runs) == 4


def test_a_grid_that_shares_no_run_is_refused(path: Path):
    GridFolder.register(path, "some", [(*arguments, "steps=100") for arguments in RUNS])
    with pytest.raises(UsageError, match="other settings: steps 100 there, 5 here") as refused:
        GridFolder.register(path, "some", [(*arguments, "steps=5") for arguments in RUNS])
    assert refused.value.hint == "sweep_name=… names another folder"


def test_processes_that_register_at_once_agree(path: Path):
    halves = [RUNS[:2], RUNS[1:]]
    threads = [
        threading.Thread(target=GridFolder.register, args=(path, "some", halves[n % 2]))
        for n in range(4)
    ]
    GridFolder.register(path, "some", RUNS[1:2])
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(GridFolder.open(path).runs) == sorted(RUNS)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"runs": 3}'])
def test_a_corrupt_grid_is_named(path: Path, content: str):
    path.mkdir(parents=True)
    (path / "grid.json").write_text(content)
    assert is_grid(path)
    with pytest.raises(DataError, match=r"grid\.json' is corrupt"):
        GridFolder.open(path)


def test_a_folder_without_a_grid_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="is not the folder of a grid"):
        GridFolder.open(tmp_path)


def test_the_state_of_a_run_is_read_from_its_folder(path: Path):
    grid, _ = GridFolder.register(path, "some", RUNS)
    assert grid.state(0) == RunState("waiting")
    write_status(path, 0, state="finished", step=9, steps=9, seconds=2.5)
    assert grid.state(0) == RunState("finished", None, 9, 9, 2.5)
    assert grid.state(0).settled
    write_status(path, 1, state="diverged", error="no number", step=3, steps=9)
    assert grid.state(1) == RunState("diverged", "no number", 3, 9)


def test_a_run_whose_process_died_is_interrupted(path: Path):
    grid, _ = GridFolder.register(path, "some", RUNS)
    write_status(path, 0, state="running", step=3, steps=9)
    assert grid.state(0).state == "interrupted"
    with ThreadPoolExecutor(1) as elsewhere, lock(path / "0"):
        assert elsewhere.submit(grid.state, 0).result().state == "running"
    (path / "0" / "status.json").write_text("{")
    assert grid.state(0).state == "interrupted"


def test_failed_runs_are_pending_and_diverged_ones_are_not(path: Path):
    grid, _ = GridFolder.register(path, "some", RUNS)
    write_status(path, 0, state="failed", error="no data")
    write_status(path, 1, state="diverged")
    write_status(path, 2, state="finished")
    assert [grid.pending(number) for number in range(3)] == [True, False, False]
    assert grid.state(0) == RunState("interrupted")  # else no worker would train it


def test_a_state_is_written_even_without_a_run_folder(path: Path):
    grid, _ = GridFolder.register(path, "some", RUNS)
    grid.mark(2, "failed", "killed")
    assert grid.state(2) == RunState("failed", "killed")
    (path / "2" / "status.json").write_text("{")
    grid.mark(2, "failed", "killed again")
    assert grid.state(2).error == "killed again"


def test_labels_hold_the_settings_that_runs_do_not_share(path: Path):
    runs = [("dataset=digits", "beta=1"), ("dataset=digits", "beta=4", "++a.b=1")]
    grid, _ = GridFolder.numbered(path, None, runs)
    assert labels_of(grid) == ["beta=1", "beta=4 a.b=1"]
    chosen = [("objective=vae", "beta=1"), ("objective=hfvae", "beta=4")]
    assert names_of(GridFolder.numbered(path, None, chosen)[0]) == ["beta=1", "beta=4"]
    assert labels_of(GridFolder.numbered(path, None, runs[:1])[0]) == [""]


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["finished", "finished"], 0),
        (["finished", "running"], 0),  # another process trains it
        (["finished", "failed"], 1),
        (["finished", "diverged"], 1),
        (["diverged"], 4),
        (["failed"], 1),
    ],
)
def test_the_exit_code_of_a_grid(states: list[str], code: int):
    assert exit_code([RunState(state) for state in states]) == code


def test_ten_thousand_runs_have_ten_thousand_labels(path: Path):
    """Registering writes one file, whatever the number of runs."""
    GridFolder.register(path, "large", [(f"seed={n}", "beta=4") for n in range(10_000)])
    assert {file.name for file in path.iterdir()} <= {
        "grid.json",
        ".grid.json.signature",
        ".lock",
    }
    assert (path / "grid.json").stat().st_size < 100 * 10_000


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"runs": [3]}', "$.runs[0]"),
        ('{"runs": [[3]]}', "$.runs[0][0]"),
        ('{"runs": [["beta"]]}', "$.runs[0][0]"),
        ('{"runs": [], "name": 3}', "$.name"),
        ('{"runs": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_grid_is_named(path: Path, content: str, where: str):
    path.mkdir(parents=True)
    (path / "grid.json").write_text(content)
    with pytest.raises(DataError) as refused:
        GridFolder.open(path)
    assert where in refused.value.message


@pytest.mark.parametrize(
    "name", ["0", "0/.lock", "0/log.txt", "0/config.yaml", "0/status.json", "0/checkpoint"]
)
def test_a_run_behind_a_link_out_of_the_grid_is_refused(path: Path, tmp_path: Path, name: str):
    grid, _ = GridFolder.register(path, "some", RUNS)
    home = tmp_path / "home"
    home.mkdir()
    (home / "status.json").write_text('{"state": "failed"}')
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).symlink_to(home if name == "0" else home / "status.json")
    for act in (grid.state, grid.pending):
        with pytest.raises(UsageError, match=f"{name}' is a link out of"):
            act(0)
    if name in ("0", "0/.lock", "0/status.json"):  # what marking a run needs
        with pytest.raises(UsageError, match=f"{name}' is a link out of"):
            grid.mark(0, "failed", None)
    assert [file.name for file in home.iterdir()] == ["status.json"]
    assert (home / "status.json").read_text() == '{"state": "failed"}'


@pytest.mark.parametrize("name", ["grid.json", ".lock", "log.txt"])
def test_a_grid_is_not_written_through_a_link(path: Path, tmp_path: Path, name: str):
    path.mkdir(parents=True)
    (path / name).symlink_to(tmp_path / "precious")
    with pytest.raises(UsageError, match=f"{name}' is a link out of"):
        GridFolder.register(path, "some", RUNS)
    assert not (tmp_path / "precious").exists()


def test_looking_at_a_grid_locks_no_run(path: Path, monkeypatch: pytest.MonkeyPatch):
    grid, _ = GridFolder.register(path, "some", RUNS)
    for number, state in enumerate(("running", "interrupted", "finished")):
        grid.mark(number, state, None)
        (grid.run_path(number) / "config.yaml").write_text("seed: 0\n")

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a look has taken a lock")

    before = snapshot(path)
    monkeypatch.setattr("runner.store.lock.FileLock", refuse)
    assert [grid.state(n).state for n in range(3)] == ["interrupted", "interrupted", "finished"]
    assert [run.state for run in read_runs([path])] == ["running", "interrupted", "finished"]
    GridFolder.numbered(path, "some", RUNS)
    assert snapshot(path) == before
