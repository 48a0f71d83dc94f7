"""Where the Python processes that this program starts look for modules.

Python puts the current folder first among the places where ``python -m`` and ``python -c`` look,
so that a file ``selectors.py`` that happens to lie there, or was put there, would be executed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import runner


def safe_environment() -> dict[str, str]:
    """Return this process's environment, for a Python that imports nothing from its folder.

    The package itself is found where this process found it.
    """
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    home = str(Path(runner.__file__).resolve().parent.parent)
    if home not in (str(Path(place).resolve()) for place in sys.path if place):
        others = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([home, others] if others else [home])
    return environment


def import_safely() -> None:
    """Let all processes that this one starts from now on, directly or not, import safely."""
    os.environ.update(safe_environment())
