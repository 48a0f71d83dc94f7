"""Where ``conf/`` and ``sweeps/`` are."""

from __future__ import annotations

from pathlib import Path


def data_root() -> Path:
    """Return the folder of ``conf/`` and ``sweeps/``: in a wheel, or beside this package."""
    here = Path(__file__).resolve().parent.parent
    packed = here / "_data"
    return packed if (packed / "conf").is_dir() else here.parent
