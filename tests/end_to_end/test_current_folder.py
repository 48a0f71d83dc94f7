"""No process that a command starts executes what lies in the current folder."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_run import SMALL
from tests.hostile_folder import fill


def test_the_workers_of_a_grid_import_nothing_from_the_current_folder(
    vaerun: Vaerun, tmp_path: Path
):
    trace = fill(tmp_path)
    done = vaerun(*SMALL, "-m", "seed=0,1", "steps=5", "metrics=none", "launcher.processes=1")
    assert done.returncode == 0, done.stderr
    assert not trace.exists()
    assert len(list(tmp_path.glob("outputs/*/*-multirun/[01]/summary.json"))) == 2


def test_the_jobs_of_slurm_import_nothing_from_the_current_folder(vaerun: Vaerun, tmp_path: Path):
    trace = fill(tmp_path)
    done = vaerun(
        *SMALL, "-m", "seed=0,1", "steps=5", "metrics=none", "launcher=slurm",
        "launcher.executor=local", "launcher.jobs=1", "launcher.gpus=0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not trace.exists()
