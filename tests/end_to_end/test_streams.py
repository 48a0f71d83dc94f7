"""Training goes on when nobody reads what it says."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import command, environment

SMALL = (
    "debug=default",
    "dataset=digits",
    "metrics=none",
    "steps=4",
    "evaluation.encodings=40",
    "evaluation.map_points=10",
    "evaluation.traversal_steps=2",
    "device=cpu",
)


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which ``vaerun`` is this one."""
    program = f'vaerun() {{ {shlex.join(command())} "$@"; }}\n{script}'
    return subprocess.run(
        ["bash", "-c", program],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(
    "script",
    [
        "vaerun {small} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}",
        "vaerun {small} <&- >&- 2>&-",
        "vaerun {small} 2>/dev/full",
    ],
)
def test_a_run_is_finished_though_nobody_reads(tmp_path: Path, script: str):
    done = shell(tmp_path, script.format(small=" ".join(SMALL)))
    assert done.returncode == 0, done.stderr
    (status,) = tmp_path.glob("outputs/*/*/status.json")
    assert json.loads(status.read_text())["state"] == "finished"
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", ["list", "--help", "--cfg job", "list prior", "fetch"])
def test_a_listing_of_which_the_first_line_is_read_is_no_error(tmp_path: Path, arguments: str):
    done = shell(tmp_path, f"vaerun {arguments} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_listing_that_does_not_fit_on_the_disk_says_so(tmp_path: Path):
    done = shell(tmp_path, "vaerun list >/dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: standard output: No space left on device\n"
