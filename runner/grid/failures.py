"""What a worker makes of the error that ended a run."""

from __future__ import annotations

import sys
import traceback

from runner.errors import PrunedRun, VaerunError


class UnforeseenError(Exception):
    """A run failed by a bug: the state of this process may be corrupt."""


def reported(error: Exception) -> str | None:
    """Print the error of a run, and return it in one line; None where it is no failure.

    Raises: UnforeseenError for an error that is a bug.
    """
    if isinstance(error, PrunedRun):
        sys.stderr.write(f"{error.message}\n")
        return None
    if isinstance(error, VaerunError):
        sys.stderr.write(f"error: {error.message}\n")
        return error.message
    traceback.print_exception(error)
    if isinstance(error, OSError):
        return f"{error.strerror or error}"
    first = next(iter(str(error).splitlines()), "")
    raise UnforeseenError(f"{type(error).__name__}: {first}") from error
