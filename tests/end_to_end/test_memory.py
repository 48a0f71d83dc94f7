"""A run that the memory does not suffice for: one line, and a folder that says the same."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

LIMIT = 12 * 2**30
"""Bytes of address space, of which torch alone takes a few GiB."""


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def test_a_model_that_does_not_fit_ends_with_one_line(tmp_path: Path) -> None:
    settings = (
        "dataset=digits", "architecture=mlp", "architecture.widths=[100000000]", "steps=2",
        "device=cpu", "wandb.mode=disabled", "metrics=none",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "runner.cli", *settings, f"hydra.run.dir={tmp_path / 'run'}"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode in (1, 2)  # 2 where the machine itself has no room for it
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "memory" in errors[0]
    assert "smaller architecture" in done.stderr
    assert not (tmp_path / "run").exists()
