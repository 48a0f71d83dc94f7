"""Searches on the command line: runs chosen as it goes, early ends, kills, and the report."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_grid import (
    descendants,
    states,
    train_on,
    wait_for_the_end_of,
    write_sweep,
)
from tests.end_to_end.test_run import SMALL, read

TEXT = """
method: bayes
metric: {name: %s, goal: %s}
run_cap: 2
%s
parameters:
  objective: {value: beta_vae}
  beta: {distribution: log_uniform_values, min: 0.5, max: 8}
  learning_rate: {distribution: log_uniform_values, min: 0.000001, max: 0.01}
"""
EARLY = "early_terminate: {type: hyperband, min_iter: 2, eta: 2}"


def settings_of(grid: Path) -> list[list[str]]:
    return json.loads((grid / "grid.json").read_text())["runs"]


def test_a_search_trains_its_runs_and_says_which_is_best(vaerun: Vaerun, tmp_path: Path):
    write_sweep(tmp_path, "mine", TEXT % ("elbo", "maximize", ""))
    arguments = (*SMALL, "sweep=mine", "search.startup=2", "launcher.processes=2", "steps=5")
    planned = vaerun(*arguments, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout == ""
    assert "2 runs, 2 to train" in planned.stderr
    assert not (tmp_path / "outputs").exists()
    done = vaerun(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "outputs/sweep-mine\n"
    grid = tmp_path / "outputs" / "sweep-mine"
    assert states(grid) == dict.fromkeys(range(2), "finished")
    elbos = {n: read(grid / str(n) / "summary.json")["elbo"] for n in range(2)}
    best = max(elbos, key=elbos.__getitem__)
    lines = done.stderr.splitlines()
    place = lines.index(f"best  run {best}, elbo {elbos[best]:.6g}")
    pasted = shlex.split(lines[place + 1])
    assert pasted[0] == "vaerun"
    assert set(pasted[1:]) == set(settings_of(grid)[best]) - {"epochs=null"}
    config = yaml.safe_load((grid / str(best) / "config.yaml").read_text())
    assert f"beta={config['beta']}" in pasted
    assert config["wandb"]["group"] == "mine"

    again = vaerun(*arguments)
    assert "0 to train, 2 done with" in again.stderr
    more = vaerun("resume", "outputs/sweep-mine", "search.trials=3", "launcher.processes=1")
    assert more.returncode == 0, more.stderr
    assert "1 to train, 2 done with" in more.stderr
    assert states(grid) == dict.fromkeys(range(3), "finished")
    planned = vaerun(*arguments, "--dry-run")
    assert [line.split("\t")[:2] for line in planned.stdout.splitlines()] == [
        [str(n), "finished"] for n in range(3)
    ]


def test_a_run_that_falls_behind_stops_early_and_can_go_on(vaerun: Vaerun, tmp_path: Path):
    write_sweep(tmp_path, "early", TEXT % ("loss", "minimize", EARLY))
    # One process, so that what is pruned does not depend on who is faster.
    done = vaerun(*SMALL, "sweep=early", "launcher.processes=1", "steps=40", "search.trials=4")
    assert done.returncode == 0, done.stderr
    grid = tmp_path / "outputs" / "sweep-early"
    found = states(grid)
    pruned = [number for number, state in found.items() if state == "pruned"]
    assert pruned
    assert set(found.values()) == {"finished", "pruned"}
    run = grid / str(pruned[0])
    status = read(run / "status.json")
    assert status["step"] < 40
    assert status["error"] == f"pruned at step {status['step']} of 40, after a checkpoint"
    assert f"{len(pruned)} pruned" in done.stderr
    assert not (run / "summary.json").exists()
    alone = vaerun("resume", f"outputs/sweep-early/{pruned[0]}")
    assert alone.returncode == 0, alone.stderr
    assert states(grid)[pruned[0]] == "finished"
    assert read(run / "status.json")["step"] == 40


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes through /proc")
def test_a_search_that_is_killed_goes_on_with_the_same_runs(vaerun: Vaerun, tmp_path: Path):
    write_sweep(tmp_path, "killed", TEXT % ("loss", "minimize", ""))
    arguments = [*SMALL, "sweep=killed", "launcher.processes=1", "steps=60", "search.trials=2",
                 "training.checkpoint_minutes=0.01"]  # fmt: skip
    grid = tmp_path / "outputs" / "sweep-killed"
    process = train_on(arguments, tmp_path)
    while not (grid / "0" / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    workers = list(descendants(process.pid))
    for pid in (process.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=60)
    wait_for_the_end_of(workers)
    (before,) = settings_of(grid)
    done = vaerun("resume", "outputs/sweep-killed", "launcher.processes=1")
    assert done.returncode == 0, done.stderr
    assert states(grid) == {0: "finished", 1: "finished"}
    assert settings_of(grid)[0] == before
    trials = [json.loads(line) for line in (grid / "study.jsonl").read_text().splitlines()]
    assert sum(entry["op_code"] == 4 for entry in trials) == 2  # one trial a run


@pytest.mark.parametrize(("arguments", "message", "hint"), [
    (["only=1"], "only=1 is for grids", "vaerun resume DIR/3"),
    (["search=bayes"], "search is chosen by the sweep file", None),
    (["search.trails=3"], "unknown setting 'search.trails'", "did you mean 'search.trials'?"),
    (["beta=1", "learning_rate=0.1"], "no parameter has more than one value", None),
    (["beta=-1"], "must be zero or a positive finite number, got -1", None),
    (["metrics=none", "sweep=score"], "'scores/mean/mig' is not computed with metrics=none",
     "vaerun list metrics"),
    (["sweep=typo"], "no run has the metric 'eblo'", "did you mean 'elbo'?"),
    (["sweep=late"], "early_terminate cannot go by 'elbo'", "validation/elbo"),
    (["sweep=smoke", "search.trials=3"], "search.trials is for a search, and this is a grid", None),
])  # fmt: skip
def test_what_a_search_cannot_do_is_refused_and_writes_nothing(
    vaerun: Vaerun, tmp_path: Path, arguments: list[str], message: str, hint: str | None
):
    write_sweep(tmp_path, "mine", TEXT % ("elbo", "maximize", ""))
    write_sweep(tmp_path, "score", TEXT % ("scores/mean/mig", "maximize", ""))
    write_sweep(tmp_path, "typo", TEXT % ("eblo", "maximize", ""))
    write_sweep(tmp_path, "late", TEXT % ("elbo", "maximize", EARLY))
    named = [] if any(each.startswith("sweep=") for each in arguments) else ["sweep=mine"]
    refused = vaerun(*(each for each in SMALL if each != "metrics=none"), *named, *arguments)
    assert refused.returncode == 2, refused.stderr
    first, *others = refused.stderr.strip().splitlines()
    assert message in first
    assert len(others) <= 1
    assert hint is None or hint in refused.stderr
    assert not (tmp_path / "outputs").exists()
