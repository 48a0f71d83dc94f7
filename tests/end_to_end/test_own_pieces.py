"""Own pieces on the command line: a grid that is killed, resumed, scored and compared; refusals."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_grid import descendants, states, train_on, wait_for_the_end_of
from tests.end_to_end.test_run import read
from tests.snapshot import snapshot

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = (
    "device=cpu", "evaluation.map_points=10", "evaluation.encodings=50",
    "evaluation.traversal_steps=2", "metrics=none", "wandb.mode=disabled", "dataset=digits",
)  # fmt: skip
CHOSEN = ("objective=orthogonal_vae", "prior=scaled_normal", "architecture=narrow")


@pytest.fixture
def pieces(tmp_path: Path) -> str:
    shutil.copytree(EXAMPLES / "my_pieces", tmp_path / "mine")
    return "plugins=[mine/my_pieces.py]"


def killed_after_a_checkpoint(arguments: list[str], folder: Path, grid: Path) -> None:
    """Start a grid and kill all of its processes once two of its runs are being trained."""
    process = train_on(arguments, folder)
    deadline = time.monotonic() + 120
    begun: list[Path] = []
    while time.monotonic() < deadline and process.poll() is None and len(begun) < 2:
        time.sleep(0.05)
        begun = [run for run in grid.glob("[0-9]") if (run / "checkpoint/state.json").is_file()]
    workers = list(descendants(process.pid))
    for pid in [process.pid, *workers]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(timeout=60)
    wait_for_the_end_of(workers)
    assert len(begun) == 2


def test_a_grid_is_killed_resumed_scored_and_compared(vaerun: Vaerun, pieces: str, tmp_path: Path):
    grid = tmp_path / "outputs" / "sweep-four"
    crossed = ("-m", "beta=1,10", "seed=0,1", "sweep_name=four", "launcher.processes=2")
    arguments = [pieces, *CHOSEN, *QUICK, *crossed, "steps=500"]
    killed_after_a_checkpoint(arguments, tmp_path, grid)
    assert set(states(grid).values()) != {"finished"}

    resumed = vaerun("resume", str(grid), "launcher.processes=2")
    assert resumed.returncode == 0, resumed.stderr
    assert states(grid) == dict.fromkeys(range(4), "finished")
    settings = [yaml.safe_load((grid / str(n) / "config.yaml").read_text()) for n in range(4)]
    assert {s["plugins"][0]["path"] for s in settings} == {str(tmp_path / "mine" / "my_pieces.py")}
    assert [s["objective"]["penalties"]["orthogonality"]["weight"] for s in settings] == [
        1, 1, 10, 10,
    ]  # fmt: skip
    last = (grid / "3" / "metrics.jsonl").read_text().splitlines()[-1]
    assert '"penalties/orthogonality"' in last

    scored = vaerun("evaluate", str(grid), "metrics=none", "metrics.correlation={}")
    assert scored.returncode == 0, scored.stderr
    assert list(read(grid / "0" / "scores.json")["scores"]) == ["mean/correlation"]

    (tmp_path / "mine" / "my_pieces.py").unlink()  # a comparison reads data, and needs no code
    compared = vaerun("compare", str(grid), "--no-figures")
    assert compared.returncode == 0, compared.stderr
    assert "correlation of codes" in compared.stdout
    with (grid / "comparison" / "configurations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["beta"] for row in rows) == ["1", "10"]

    gone = vaerun("resume", str(grid))
    assert (gone.returncode, len(gone.stderr.splitlines())) == (2, 2)
    assert "has own pieces of the run, and is missing" in gone.stderr


def test_a_run_is_resumed_only_with_the_pieces_that_it_began_with(
    vaerun: Vaerun, pieces: str, tmp_path: Path
):
    done = vaerun(pieces, *CHOSEN, *QUICK, "steps=2", "out=runs")
    assert done.returncode == 0, done.stderr
    run = tmp_path / done.stdout.strip()
    path = tmp_path / "mine" / "my_pieces.py"
    path.write_text(f"{path.read_text()}# edited\n")
    before = snapshot(run)
    refused = vaerun("resume", str(run), "steps=3")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"error: '{path}' is not what it was when the run began: it was changed",
        "  put it back as it was, or say plugins=[my_pieces.py] to take it as it is now",
    ]
    assert snapshot(run) == before


def test_own_pieces_are_listed_and_completed(vaerun: Vaerun, pieces: str):
    listed = vaerun("list", "architecture", "plugins", pieces, COLUMNS="200")
    assert "architecture=narrow  One hidden layer. (own, my_pieces.py)" in listed.stdout
    assert "objective.penalties.orthogonality" in listed.stdout
    line = f"vaerun {pieces} objective=ortho"
    completed = vaerun("-sc", "query=bash", COMP_LINE=line)
    assert completed.stdout.split() == ["objective=orthogonal_vae"]


def test_a_wrong_file_is_refused_before_anything_is_written(vaerun: Vaerun, tmp_path: Path):
    (tmp_path / "mine.py").write_text("import torch\n\nraise KeyError('x')\n")
    for arguments in (("seed=1",), ("-m", "seed=1,2"), ("--cfg", "job")):
        refused = vaerun("plugins=[mine.py]", *arguments)
        assert refused.returncode == 2
        assert refused.stderr == f"error: '{tmp_path / 'mine.py'}', line 3: KeyError: 'x'\n"
        assert refused.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py"]
