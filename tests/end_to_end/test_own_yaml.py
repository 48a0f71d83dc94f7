"""Own YAML in a folder: found by every command, and compared by its own hyperparameters."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_run import SMALL, read

OWN = """\
# @package _global_
# My objective (Somebody 1999). beta: the whole KL; gamma is not referred to.
beta: 2.0
objective:
  name: home_made
  weights:
    reconstruction: 1
    index_code_mi: ${beta}
    group_total_correlation: ${vaerun.times:2,${beta}}
    within_group_total_correlation: ${beta}
    dimension_wise_kl: 3
"""


def write_own(folder: Path) -> Path:
    (folder / "objective").mkdir(parents=True)
    (folder / "objective" / "home_made.yaml").write_text(OWN)
    return folder


def test_a_grid_over_an_own_objective_is_compared_by_beta(vaerun: Vaerun, tmp_path: Path):
    own = write_own(tmp_path / "my yaml")
    done = vaerun(
        *SMALL, "--config-dir", str(own), "-m", "sweep_name=own", "objective=home_made",
        "beta=1,4", "seed=0,1", "steps=5", "metrics=none", "dataset=digits",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    grid = tmp_path / "outputs" / "sweep-own"
    run = grid / "3"
    assert read(run / "status.json")["state"] == "finished"
    weights = yaml.safe_load((run / "config.yaml").read_text())["objective"]["weights"]
    assert (weights["index_code_mi"], weights["group_total_correlation"]) == (4, 8)
    unresolved = yaml.safe_load((run / "config_unresolved.yaml").read_text())
    assert unresolved["objective"]["weights"]["index_code_mi"] == "${beta}"
    shutil.rmtree(own)  # compare and resume of a run need what is in the folders alone
    compared = vaerun("compare", str(grid), "--no-figures")
    assert compared.returncode == 0, compared.stderr
    assert "without config_unresolved.yaml" not in compared.stderr
    heading, *rows = (line.split() for line in compared.stdout.splitlines() if line.strip())
    assert heading[:3] == ["objective", "beta", "seeds"]
    assert [row[:3] for row in rows[1:3]] == [["home_made", "1", "2"], ["home_made", "4", "2"]]


def test_a_grid_goes_on_with_a_folder_that_was_moved(vaerun: Vaerun, tmp_path: Path):
    own = write_own(tmp_path / "own")
    arguments = (*SMALL, "-m", "sweep_name=own", "objective=home_made", "seed=0,1", "steps=5",
                 "metrics=none", "dataset=digits")  # fmt: skip
    assert vaerun(*arguments, "only=0", f"--config-dir={own}").returncode == 0
    own.rename(tmp_path / "moved")
    grid = tmp_path / "outputs" / "sweep-own"
    failed = vaerun("resume", str(grid))
    assert failed.returncode == 1
    assert "unknown objective 'home_made'" in failed.stderr
    done = vaerun("resume", str(grid), "--config-dir", "moved")
    assert done.returncode == 0, done.stderr
    assert read(grid / "1" / "status.json")["state"] == "finished"


def test_a_single_run_takes_own_yaml(vaerun: Vaerun, tmp_path: Path):
    own = write_own(tmp_path / "own")
    done = vaerun("--config-dir", str(own), "--cfg", "job", "objective=home_made")
    assert done.returncode == 0, done.stderr
    assert "name: home_made" in done.stdout
    wrong = vaerun("-cd", str(own), "objective=home_mad")
    assert wrong.returncode == 2
    assert "did you mean 'home_made'?" in wrong.stderr
