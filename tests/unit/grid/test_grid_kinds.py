"""Which runs of a grid train together, as far as settings tell; which a worker takes at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.grid import GridFolder, Job
from runner.grid.claims import Claims
from runner.grid.kinds import kind_of, partition
from runner.grid.pack_size import pack_size
from runner.grid.search import trials_of
from runner.store.lock import is_locked, lock
from tests.families import OTHERS

RUNS = [
    ("dataset=digits", "objective=vae", "seed=0"),
    ("dataset=digits", "objective=factor_vae"),
    ("dataset=digits", "objective=hfvae", "beta=4", "learning_rate=0.01", "epochs=2"),
    ("dataset=digits", "prior.dimensions=4"),
    ("dataset=digits", "objective=vae", "seed=1", "training.clip_gradient=1"),
    ("dataset=digits", "objective=vae", "seed=2", "training.compile=true"),
    ("dataset=digits", "prior.dimensions=4", "seed=1"),
    ("dataset=digits", "objective=beta_tcvae", "wandb.mode=disabled", "init_from=elsewhere"),
]


@pytest.fixture
def grid(tmp_path: Path) -> GridFolder:
    return GridFolder.register(tmp_path / "grid", None, RUNS)[0]


@pytest.mark.parametrize(
    "other",
    [
        "batch_size=64",
        "precision=bf16",
        "architecture=conv28",
        "likelihood=gaussian",
        "data_dir=elsewhere",
        "validation.every=5",
        "objective.concrete_density=relaxed",
        "objective.concrete_draws=hard",
        "objective.pairs.posterior=gvae",
        "objective.penalties.supervision.images=5",
        "dataset.hold_out={label: [1]}",
    ],
)
def test_runs_that_differ_in_what_they_must_share_are_of_two_kinds(other: str):
    assert kind_of(("dataset=digits",)) != kind_of(("dataset=digits", other))


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_of_a_method_beside_the_family_is_alone(grid: GridFolder, name: str):
    runs = [("dataset=digits", f"objective={name}", f"seed={seed}") for seed in (0, 1)]
    assert [kind_of(run) for run in runs] == [None, None]
    beside = replace(grid, runs=(*grid.runs[:2], *runs))
    assert partition(beside, range(4), 16) == [[0], [1], [2], [3]]


def test_runs_of_a_kind_are_partitioned_in_their_order(grid: GridFolder):
    assert partition(grid, range(8), 16) == [[0, 2, 4, 7], [1], [3, 6], [5]]
    assert partition(grid, range(8), 3) == [[0, 2, 4], [1], [3, 6], [5], [7]]
    assert partition(grid, range(8), 1) == [[number] for number in range(8)]


def claimed(grid: GridFolder, most: int, numbers: range = range(8)) -> list[list[int]]:
    return list(Claims(grid, trials_of(grid), most).of(numbers))


def test_a_worker_takes_runs_of_a_kind_at_once(grid: GridFolder):
    assert claimed(grid, 16) == [[0, 2, 4, 7], [1], [3, 6], [5]]
    assert claimed(grid, 3) == [[0, 2, 4], [1], [3, 6], [5], [7]]
    assert claimed(grid, 1) == [[number] for number in range(8)]


def test_runs_are_locked_while_a_worker_has_them(grid: GridFolder):
    for numbers in (found := Claims(grid, trials_of(grid), 16).of(range(8))):
        assert numbers == [0, 2, 4, 7]
        locked = [(grid.run_path(n) / ".lock").exists() for n in range(8)]
        assert locked == [n in numbers for n in range(8)]
        break
    found.close()
    assert not any(is_locked(grid.run_path(number)) for number in range(8))


def test_runs_of_other_workers_and_settled_ones_are_left_out(grid: GridFolder):
    from threading import Thread  # a lock is of a thread

    grid.mark(4, "finished", None)
    claims = Claims(grid, trials_of(grid), 16)
    found: list[list[int]] = []
    with lock(grid.run_path(2)):
        thread = Thread(target=lambda: found.extend(claims.of(range(8))))
        thread.start()
        thread.join()
    assert found == [[0, 7], [1], [3, 6], [5]]
    assert claims.locked == [2]


@pytest.mark.parametrize(
    ("asked", "workers", "on_gpu", "most"),
    [(None, 1, False, 1), (None, 1, True, 8), (None, 4, True, 2), (3, 1, False, 3), (1, 1, True, 1),
     (16, 3, False, 3), (16, 99, False, 1)],
)  # fmt: skip
def test_every_worker_has_a_share_of_the_runs(
    grid: GridFolder,
    asked: int | None,
    workers: int,
    on_gpu: bool,  # noqa: FBT001
    most: int,
):
    job = Job(grid.path, tuple(range(8)))
    assert pack_size(asked, job, workers, on_gpu=on_gpu) == most
