"""Run the installed command as a user would: a process of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Vaerun = Callable[..., subprocess.CompletedProcess[str]]


def environment(home: Path) -> dict[str, str]:
    """This process's environment without W&B keys, and with an empty home."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "HYDRA_"))}
    return kept | {"HOME": str(home), "WANDB_MODE": "disabled", "OMP_NUM_THREADS": "1"}


def command(*words: str) -> list[str]:
    """The console script of the environment that runs the tests."""
    return [str(Path(sys.executable).with_name("vaerun")), *words]


@pytest.fixture
def vaerun(tmp_path: Path) -> Vaerun:
    """``vaerun("dataset=digits", …)`` in an empty folder, to its end; None unsets a variable."""

    def run(*words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        settings = environment(tmp_path) | variables
        return subprocess.run(
            command(*words),
            cwd=tmp_path,
            env={name: value for name, value in settings.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
