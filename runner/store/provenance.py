"""The provenance of a run: package versions, process, and revision of the code."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import runner

_PACKAGES = ("torch", "torchvision", "hydra-core", "scikit-learn", "wandb")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results may depend on."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"vaerun": runner.__version__, "python": platform.python_version(), **packages}


def process() -> dict[str, str | int]:
    """Return the host name and the id of this process."""
    return {"host": platform.node(), "pid": os.getpid()}


def git_revision() -> str | None:
    """Return the commit of the source tree this package runs from, or None outside of one.

    A tree with uncommitted changes is marked with a trailing "+".
    """
    home = Path(runner.__file__).resolve().parent.parent
    if not (home / ".git").exists():
        return None
    try:
        commit = _git(home, "rev-parse", "HEAD")
        changes = _git(home, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if changes else "")


def _git(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(home), *arguments], capture_output=True, text=True, timeout=5, check=True
    )
    return done.stdout.strip()
