"""Grids on the command line: which runs are trained, resuming, and the report at the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from safetensors.numpy import load_file

from tests.end_to_end.conftest import Vaerun, command, environment
from tests.end_to_end.test_run import SMALL, read

STEPS = 600
KILLS = 10


def write_sweep(folder: Path, name: str, text: str) -> None:
    (folder / "sweeps").mkdir(exist_ok=True)
    (folder / "sweeps" / f"{name}.yaml").write_text(text)


def states(grid: Path) -> dict[int, str]:
    found = {int(run.name): read(run / "status.json")["state"] for run in grid.glob("[0-9]*")}
    return dict(sorted(found.items()))


def test_a_part_of_a_sweep_file_is_trained_then_the_rest_and_then_none(
    vaerun: Vaerun, tmp_path: Path
):
    arguments = ("sweep=smoke", "steps=5", "metrics=none", "evaluation.map_points=20")
    part = vaerun(*arguments, "only=2-3")
    assert part.returncode == 0, part.stderr
    assert part.stdout.strip() == "outputs/sweep-smoke"
    grid = tmp_path / "outputs" / "sweep-smoke"
    assert states(grid) == {2: "finished", 3: "finished"}
    rest = vaerun(*arguments)
    assert rest.returncode == 0, rest.stderr
    assert "2 to train, 2 done with" in rest.stderr
    assert states(grid) == dict.fromkeys(range(4), "finished")
    settings = [yaml.safe_load((grid / str(n) / "config.yaml").read_text()) for n in range(4)]
    assert [(s["beta"], s["seed"]) for s in settings] == [(1, 0), (1, 1), (4, 0), (4, 1)]
    assert {s["wandb"]["group"] for s in settings} == {"smoke"}
    written = {path: path.stat().st_mtime_ns for path in grid.glob("*/status.json")}
    again = vaerun(*arguments)
    assert again.returncode == 0
    assert "0 to train, 4 done with" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in grid.glob("*/status.json")} == written


def test_the_runs_of_a_grid_are_trained_further(vaerun: Vaerun, tmp_path: Path):
    arguments = ("sweep=smoke", "metrics=none", "evaluation.map_points=20", "only=0-1")
    first = vaerun(*arguments, "steps=5")
    assert first.returncode == 0, first.stderr
    grid = tmp_path / "outputs" / "sweep-smoke"
    refused = vaerun("resume", "outputs/sweep-smoke", "steps=3", "only=0-1")
    assert refused.returncode == 2
    assert "steps=3 ends at step 3, which lies before step 5" in refused.stderr
    further = vaerun("resume", "outputs/sweep-smoke", "steps=8", "only=0-1")
    assert further.returncode == 0, further.stderr
    assert "2 to train, 0 done with" in further.stderr
    statuses = [read(grid / name / "status.json") for name in "01"]
    assert [(s["state"], s["step"], s["steps"]) for s in statuses] == [("finished", 8, 8)] * 2
    assert "steps  5 to 8" in (grid / "0" / "log.txt").read_text()
    again = vaerun(*arguments, "steps=8")
    assert again.returncode == 0, again.stderr
    assert "0 to train, 2 done with" in again.stderr


def test_a_failed_run_does_not_stop_others_and_is_tried_again(vaerun: Vaerun, tmp_path: Path):
    (tmp_path / "mnist").mkdir()
    arguments = (*SMALL, "-m", "sweep_name=mixed", "objective=vae", "learning_rate=1e6,0.001",
             "dataset=mnist,digits", "data_dir=mnist", "steps=100")  # fmt: skip
    offline = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = vaerun(*arguments, **offline)
    assert done.returncode == 1, done.stderr
    grid = tmp_path / "outputs" / "sweep-mixed"
    assert states(grid) == {0: "failed", 1: "failed", 2: "diverged", 3: "finished"}
    table = done.stderr[done.stderr.index("why") :]
    assert "no longer a finite number" in table
    assert "1 diverged" in table
    log = (grid / "0" / "log.txt").read_text()
    assert "Traceback" not in log
    again = vaerun("resume", "outputs/sweep-mixed", **offline)
    assert again.returncode == 1
    assert "2 to train, 2 done with" in again.stderr


def test_a_dry_run_lists_the_runs_and_writes_nothing(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(*SMALL, "sweep=smoke", "--dry-run", "only=1,3", "steps=200")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1\twaiting\tbeta=1 seed=1", "3\twaiting\tbeta=4 seed=1"]
    assert "2 runs, 2 to train" in done.stderr
    assert " in all" in done.stderr
    assert not (tmp_path / "outputs").exists()


def test_a_grid_that_grows_keeps_its_runs_and_another_grid_is_refused(
    vaerun: Vaerun, tmp_path: Path
):
    text = "parameters: {dataset: {value: digits}, debug: {value: default}, seed: {values: [%s]}}"
    write_sweep(tmp_path, "mine", text % "1, 2")
    one_worker = "launcher.processes=1"
    assert vaerun("sweep=mine", one_worker).returncode == 0
    write_sweep(tmp_path, "mine", text % "0, 1, 2")
    done = vaerun("sweep=mine", one_worker)
    assert "1 to train, 2 done with" in done.stderr
    grid = tmp_path / "outputs" / "sweep-mine"
    seeds = [yaml.safe_load((grid / str(n) / "config.yaml").read_text())["seed"] for n in range(3)]
    assert seeds == [1, 2, 0]
    refused = vaerun("sweep=mine", "beta=3")
    assert refused.returncode == 2
    assert "holds a grid with other settings" in refused.stderr


def descendants(pid: int) -> Iterator[int]:
    """The child processes of a process, and their children."""
    for child in Path(f"/proc/{pid}/task/{pid}").glob("children"):
        for number in child.read_text().split():
            yield int(number)
            yield from descendants(int(number))


def server_of(pid: int) -> int | None:
    """The process that forks the workers of a grid."""
    return next((child for child in descendants(pid) if "fork_server" in command_of(child)), None)


def workers_of(pid: int) -> list[int]:
    """The workers of a grid."""
    server = server_of(pid)
    every = descendants(pid if server is None else server)
    return [child for child in every if "runner.grid" in command_of(child)]


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def train_on(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a grid as from a terminal: in the background of a script it would ignore Ctrl-C."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(folder),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def wait_for_the_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() and is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def strike(process: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Kill a grid or a part of it, as crashes, reboots and users do; wait until all have ended."""
    workers = list(descendants(process.pid))
    kind = chance.choice(["all", "worker", "server", "parent", "ctrl-c", "sigterm"])
    servers = [server for server in [server_of(process.pid)] if server is not None]
    parts = {"worker": workers_of(process.pid)[:1], "server": servers}
    victims = [process.pid, *workers] if kind == "all" else parts.get(kind, [process.pid])
    gentle = {"ctrl-c": signal.SIGINT, "sigterm": signal.SIGTERM}
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, gentle.get(kind, signal.SIGKILL))
    if kind in parts:  # the grid itself goes on; end it as a reboot would
        time.sleep(chance.uniform(0.5, 2))
        for pid in [process.pid, *descendants(process.pid), *workers]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait(timeout=60)
    if kind == "parent":  # its workers would finish their runs first
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    wait_for_the_end_of(workers)
    return kind


def test_processes_on_one_grid_train_no_run_twice(vaerun: Vaerun, tmp_path: Path):
    arguments = ["sweep=smoke", "steps=50", "metrics=none", "evaluation.map_points=20"]
    both = [train_on([*arguments, "launcher.processes=1"], tmp_path) for _ in range(2)]
    assert [process.wait(timeout=300) for process in both] == [0, 0]
    grid = tmp_path / "outputs" / "sweep-smoke"
    assert states(grid) == dict.fromkeys(range(4), "finished")
    for number in range(4):
        assert (grid / str(number) / "log.txt").read_text().count("evaluating") == 1


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes through /proc")
def test_a_run_that_kills_its_process_is_marked_and_the_others_are_trained(
    vaerun: Vaerun, tmp_path: Path
):
    arguments = [*SMALL, "-m", "seed=0,1", "steps=150", "sweep_name=dying",
                 "launcher.processes=1", "launcher.threads=1"]  # fmt: skip
    grid = tmp_path / "outputs" / "sweep-dying"
    process = train_on(arguments, tmp_path)
    while not (grid / "0" / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    assert process.wait(timeout=300) == 1
    assert states(grid) == {0: "failed", 1: "finished"}
    error = read(grid / "0" / "status.json")["error"]
    assert error == "its process ended by signal 9 (out of memory?)"
    assert vaerun(*arguments).returncode == 0
    assert states(grid) == {0: "finished", 1: "finished"}


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_without_the_process_that_forks_workers_a_grid_goes_on(tmp_path: Path):
    arguments = [*SMALL, "-m", "seed=0,1", "steps=100", "sweep_name=served", "device=cpu",
                 "launcher.processes=1", "launcher.threads=1"]  # fmt: skip
    grid = tmp_path / "outputs" / "sweep-served"
    process = train_on(arguments, tmp_path)
    while not (grid / "0" / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    (worker,) = workers_of(process.pid)
    assert os.getsid(worker) == worker  # a Ctrl-C at the terminal does not reach it
    server = server_of(process.pid)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    assert process.wait(timeout=300) == 0
    assert states(grid) == {0: "finished", 1: "finished"}
    assert (grid / "0" / "log.txt").read_text().count("evaluating") == 1
    wait_for_the_end_of([worker, server])


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes through /proc")
def test_a_grid_that_is_killed_ten_times_has_the_same_results(vaerun: Vaerun, tmp_path: Path):
    grid = [*SMALL, "-m", "prior=concrete_normal", "beta=1,4", "seed=0,1,2",
            "training.checkpoint_minutes=0.01", "launcher.processes=2"]  # fmt: skip
    steps, struck = STEPS // 4, list[str]()
    while len(struck) < KILLS // 2:  # a fast machine may be done before the last: more to do then
        steps *= 4
        struck = struck_down([*grid, f"steps={steps}", f"sweep_name=killed_{steps}"], tmp_path)
    killed, whole = f"killed_{steps}", "whole"
    for name in (killed, whole):
        assert vaerun(*grid, f"steps={steps}", f"sweep_name={name}").returncode == 0
    one, other = (tmp_path / "outputs" / f"sweep-{name}" for name in (killed, whole))
    assert states(one) == dict.fromkeys(range(6), "finished"), struck
    for number in range(6):
        assert_equal(one / str(number), other / str(number))


def struck_down(arguments: list[str], folder: Path) -> list[str]:
    """Kill a grid ten times, going on each time; return how, of fewer where it was done before."""
    chance, struck = random.Random(5), list[str]()
    while len(struck) < KILLS:
        process = train_on(arguments, folder)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=chance.uniform(1.0, 6.0))
        if process.poll() is not None:
            break
        struck.append(strike(process, chance))
    return struck


def assert_equal(one: Path, other: Path) -> None:
    files = sorted(path.name for path in (one / "checkpoint").glob("*.safetensors"))
    assert files
    for name in files:
        ours, theirs = load_file(one / "checkpoint" / name), load_file(other / "checkpoint" / name)
        assert ours.keys() == theirs.keys()
        assert all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)
    records = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
               for run in (one, other)]  # fmt: skip
    for found in records:
        for record in found:
            del record["images_per_second"]
    assert records[0] == records[1]
    assert read(one / "summary.json") == read(other / "summary.json")
