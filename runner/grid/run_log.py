"""What a run of a grid prints goes into a file of its folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from runner.store.confined import open_to_append


@contextmanager
def logged(path: Path) -> Generator[None]:
    """Redirect stdout and stderr into a file, including the output of C libraries."""
    sys.stdout.flush()
    sys.stderr.flush()
    file = open_to_append(path, path.parent)
    saved = os.dup(1), os.dup(2)
    try:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), saved, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        file.close()
