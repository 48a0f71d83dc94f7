"""A sweep file with `wandb sweep` and `wandb agent` gives the runs of `vaerun sweep=`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.config.written import AGENT, of_command_line
from runner.grid.sweep_file import identity, read
from tests.end_to_end.conftest import environment
from tests.stub_wandb import KEY, StubWandb

SWEEPS = Path(__file__).parents[2] / "sweeps"

RECORDER = f"""
import json, os, sys
from pathlib import Path
content = json.dumps([os.environ[{AGENT!r}], *sys.argv[1:]])
Path(os.environ["WANDB_RUN_ID"]).with_suffix(".json").write_text(content)
"""

RANGES: dict[str, Any] = {
    "name": "ranges",
    "method": "grid",
    "parameters": {
        "objective": {"value": "hfvae"},
        "beta": {"values": [1, 4.5]},
        "seed": {"min": 0, "max": 2},
        "prior.group_size": {"distribution": "int_uniform", "min": 2, "max": 3},
        "learning_rate": {"value": "1e-3"},
        "training.clip_gradient": {"value": None},
        "training.compile": {"value": False},
        "dataset.hold_out": {"value": {"shape": "heart", "scale": [4, 5]}},
        "name": {"value": 'it\'s, a "name"'},
    },
    "command": ["vaerun", "sweep_name=ranges", "${args_no_hyphens}"],
}


def through_wandb(server: StubWandb, folder: Path, sweep: dict[str, Any]) -> None:
    """Register a sweep with the server, and let an agent carry it out."""
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep, sort_keys=False))
    variables = environment(folder) | {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
    del variables["WANDB_MODE"]
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
    for arguments in (
        ["sweep", "--project", "vaerun", "sweep.yaml"],
        ["agent", "local/vaerun/sweep0"],
    ):
        subprocess.run(
            [sys.executable, "-m", "wandb", *arguments],
            cwd=folder,
            env=variables,
            capture_output=True,
            timeout=300,
            check=True,
        )


@pytest.mark.parametrize("name", ["mnist_grid/beta_vae", "mnist_grid/hfvae", None])
def test_an_agent_gets_the_settings_of_the_sweep_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
):
    file = tmp_path / "ranges.yaml"
    file.write_text(yaml.safe_dump(RANGES))
    if name is not None:
        file = SWEEPS / f"{name}.yaml"
    sweep = yaml.safe_load(file.read_text())
    program, *arguments = sweep["command"]
    assert program == "vaerun"
    sweep["command"] = [sys.executable, "-S", "record.py", *arguments]
    (tmp_path / "record.py").write_text(RECORDER)
    with StubWandb() as server:
        server.runs_at_once = 20  # an agent checks its runs every five seconds
        through_wandb(server, tmp_path, sweep)
    recorded = [json.loads(path.read_text()) for path in tmp_path.glob("sweep0run*.json")]
    for argv in recorded:
        assert argv.pop(0) == "sweep0"
        assert argv.pop(0) == next(each for each in arguments if each.startswith("sweep_name="))
    expected = {identity(run) for run in read(file).runs()}
    monkeypatch.setenv(AGENT, "sweep0")
    read_as = [of_command_line(argv, one_run=True) for argv in recorded]
    assert {identity(overrides) for overrides in read_as} == expected
    assert len(recorded) == len(expected)


def test_an_agent_trains_a_run(tmp_path: Path):
    sweep = yaml.safe_load((SWEEPS / "smoke.yaml").read_text())
    few = {"beta": {"value": 4}, "seed": {"value": 1}, "steps": {"value": 10}}
    sweep["parameters"] |= few | {"metrics": {"value": "none"}}
    sweep["parameters"]["tracking.to"] = {"value": ["wandb", "tensorboard", "csv"]}
    with StubWandb() as server:
        through_wandb(server, tmp_path, sweep)
    (run_id,) = server.runs
    received = server.runs[run_id]
    assert (run_id, received.about["sweep"], received.exit_code) == ("sweep0run0", "sweep0", 0)
    assert received.about["groupName"] == "smoke"
    (run,) = tmp_path.glob("outputs/*/*/config.yaml")
    config = yaml.safe_load(run.read_text())
    assert {key: config[key] for key in ("beta", "seed", "steps")} == {
        "beta": 4,
        "seed": 1,
        "steps": 10,
    }
    assert len((run.parent / "metrics.csv").read_text().splitlines()) == 1 + len(
        (run.parent / "metrics.jsonl").read_text().splitlines()
    )
    assert list((run.parent / "tensorboard").iterdir())
    summary = json.loads((run.parent / "summary.json").read_text())
    assert received.summary["elbo"] == pytest.approx(summary["elbo"])  # what the sweep maximizes
    assert sweep["metric"] == {"name": "elbo", "goal": "maximize"}
