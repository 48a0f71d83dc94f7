"""A virtual environment for each peer, which shares this environment's PyTorch."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from cases import PEERS


class EnvironmentFailedError(Exception):
    """A peer could not be installed."""


def interpreter(peer: str, place: Path) -> Path:
    """Return the interpreter of a peer's environment, which is made unless it is there.

    ``pip install`` brings the peer and what it needs and this environment lacks. Packages that are
    here, PyTorch above all, are found through a ``.pth`` file: the same kernels run in all
    processes. The option ``--system-site-packages`` cannot do that, since it shares the packages
    of the interpreter that this environment was made from.

    Raises: EnvironmentFailedError when it cannot be installed.
    """
    folder = place / f"{peer}-{PEERS[peer]}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if done.exists():
        return python
    venv.create(folder, clear=True, with_pip=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    shared = folder / "lib" / version / "site-packages" / "shared.pth"
    shared.write_text(sysconfig.get_paths()["purelib"] + "\n")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    result = subprocess.run(
        [*command, f"{peer}=={PEERS[peer]}"], capture_output=True, text=True, check=False
    )
    if result.returncode:
        reason = result.stderr.strip().splitlines() or ["pip said nothing"]
        raise EnvironmentFailedError(f"{peer} {PEERS[peer]} cannot be installed: {reason[-1]}")
    done.touch()
    return python
