"""Whether a file or a folder can be written, before anything is."""

from __future__ import annotations

import os
from pathlib import Path

from runner.errors import UsageError


def require_writable(folder: Path, hint: str) -> None:
    """Refuse a folder that cannot be written to, or not be created; nothing is made.

    Raises: UsageError with the hint.
    """
    there = folder
    while not os.path.lexists(there) and there.parent != there:
        there = there.parent
    if not there.is_dir():
        raise UsageError(f"cannot write to '{folder}': '{there}' is not a folder", hint)
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write to '{folder}': '{there}' is read-only", hint)
