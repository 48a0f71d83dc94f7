"""Kills a run and a grid again and again, and checks that nothing is lost and nothing different.

    python tests/kill_storm.py                       30 kills of a run, ten of a grid
    python tests/kill_storm.py --run 5 --grid 0      fewer

A run is killed (SIGKILL) at random times, also while it starts and while it is evaluated, and
resumed; a grid is worked at by two commands, of which one, or one of their workers, or the process
that forks these, is killed. At the end the parameters, records and summaries must be those of a run
and a grid that were left alone. The exit code is 1 where they are not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

VAERUN = str(Path(sys.executable).with_name("vaerun"))

RUN = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[32]", "prior.dimensions=4",
    "objective=hfvae", "beta=4", "steps=4000", "training.record_every=20",
    "training.checkpoint_minutes=0.02", "metrics=fast", "evaluation.encodings=500",
    "wandb.mode=disabled", "device=cpu",
)  # fmt: skip

GRID = """\
method: grid
parameters:
  objective: {values: [vae, beta_tcvae]}
  beta: {values: [1, 4]}
  seed: {values: [0, 1]}
  dataset: {value: digits}
  architecture: {value: mlp}
  architecture.widths: {value: [32]}
  prior.dimensions: {value: 4}
  steps: {value: 1500}
  training.checkpoint_minutes: {value: 0.02}
  metrics: {value: none}
  evaluation.encodings: {value: 500}
  wandb.mode: {value: disabled}
  device: {value: cpu}
"""

VARIES = {"images_per_second", "seconds"}
"""What differs between two runs of the same settings."""


def results(run: Path) -> dict[str, Any]:
    """What a finished run leaves, without the time that it took."""
    state = json.loads((run / "checkpoint" / "state.json").read_text())
    tensors = {
        name: hashlib.sha256((run / "checkpoint" / file["name"]).read_bytes()).hexdigest()
        for name, file in state["files"].items()
    }
    records = [
        {name: value for name, value in json.loads(line).items() if name not in VARIES}
        for line in (run / "metrics.jsonl").read_text().splitlines()
    ]
    scores = run / "scores.json"
    return {
        "state": json.loads((run / "status.json").read_text())["state"],
        "tensors": tensors,
        "records": records,
        "summary": json.loads((run / "summary.json").read_text()),
        "scores": _timeless(json.loads(scores.read_text())) if scores.exists() else None,
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items() if name not in VARIES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def differences(whole: dict[str, Any], killed: dict[str, Any]) -> list[str]:
    return [name for name in whole if whole[name] != killed[name]]


def start(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            [VAERUN, *arguments], stdout=file, stderr=file, cwd=log.parent, start_new_session=True
        )


def finish(*arguments: str, log: Path) -> None:
    code = start(*arguments, log=log).wait()
    if code:
        sys.exit(f"{arguments} ended with {code}:\n{log.read_text()[-2000:]}")


def run_storm(place: Path, kills: int, chance: random.Random) -> list[str]:
    """Kill one run; return what differs from a run that was left alone."""
    log = place / "run.log"
    finish(*RUN, "out=whole", log=log)
    stopped_at: list[int] = []
    process = start(*RUN, "out=killed", log=log)
    while len(stopped_at) < kills and process.poll() is None:
        time.sleep(chance.uniform(2, 12))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        runs = _runs(place / "killed")
        stopped_at.append(_step(runs[0]) if runs else 0)
        arguments = ("resume", str(runs[0])) if runs else (*RUN, "out=killed")
        process = start(*arguments, log=log)
    process.wait()
    (killed,) = _runs(place / "killed")
    (whole,) = _runs(place / "whole")
    sys.stdout.write(f"run: {len(stopped_at)} kills, at steps {stopped_at}\n")
    return differences(results(whole), results(killed))


def _runs(out: Path) -> list[Path]:
    return [path.parent for path in sorted(out.glob("*/*/config.yaml"))]


def _step(run: Path) -> int:
    with suppress(OSError, ValueError):
        return int(json.loads((run / "status.json").read_text()).get("step", 0))
    return 0


def grid_storm(place: Path, kills: int, chance: random.Random) -> list[str]:
    """Kill commands and workers of one grid; return what differs from a grid left alone."""
    log = place / "grid.log"
    (place / "tried.yaml").write_text(GRID)
    command = ("sweep=tried.yaml", "launcher.processes=2")
    finish(*command, "out=whole", log=log)
    parents = [start(*command, "out=killed", log=log) for _ in range(2)]
    done = 0
    while done < kills:
        time.sleep(chance.uniform(4, 12))
        at = chance.randrange(2)
        victims = _below(parents[at].pid) if chance.random() < 0.6 else []
        with suppress(ProcessLookupError):
            os.kill(chance.choice(victims) if victims else parents[at].pid, signal.SIGKILL)
            done += 1
        if not victims:
            parents[at].wait()
            parents[at] = start(*command, "out=killed", log=log)
        if all(parent.poll() == 0 for parent in parents):
            break
    for parent in parents:
        parent.wait()
    whole, killed = place / "whole" / "sweep-tried", place / "killed" / "sweep-tried"
    names = sorted(path.parent.name for path in whole.glob("*/config.yaml"))
    finish(*command, "out=killed", log=log)
    while not all(_is_finished(killed / name) for name in names):
        time.sleep(2)  # a worker whose command was killed goes on with its run
        finish(*command, "out=killed", log=log)
    sys.stdout.write(f"grid: {done} kills\n")
    return [
        f"run {name}: {difference}"
        for name in names
        for difference in differences(results(whole / name), results(killed / name))
    ]


def _is_finished(run: Path) -> bool:
    return json.loads((run / "status.json").read_text()).get("state") == "finished"


def _below(parent: int) -> list[int]:
    """The process that forks workers, and the workers."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    children = [int(line) for line in found.stdout.split()]
    return [pid for child in children for pid in (child, *_below(child))]


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--run", type=int, default=30)
    reader.add_argument("--grid", type=int, default=10)
    reader.add_argument("--seed", type=int, default=0)
    arguments = reader.parse_args()
    place = Path(tempfile.mkdtemp(prefix="vaerun-kills-"))
    chance = random.Random(arguments.seed)
    every: list[str] = []
    for storm, kills in ((run_storm, arguments.run), (grid_storm, arguments.grid)):
        if kills:
            found = storm(place, kills, chance)
            sys.stdout.write("\n".join([*found, f"{len(found)} differences in '{place}'"]) + "\n")
            sys.stdout.flush()
            every += found
    return 1 if every else 0


if __name__ == "__main__":
    sys.exit(main())
