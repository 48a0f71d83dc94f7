"""What a worker makes of the error that ended a run."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runner.errors import PrunedRun, VaerunError

if TYPE_CHECKING:
    from runner.grid.folder import GridFolder
    from runner.grid.search import KnownRuns, Trials


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


def report_end(
    trials: Trials | KnownRuns,
    grid: GridFolder,
    number: int,
    message: str | None,
    tell: Callable[[Mapping[str, Any]], bool],
) -> bool:
    """Write how a run has ended, with the message of its failure, and tell whoever listens.

    Returns whether to go on with further runs, as ``tell`` does.
    """
    if message is not None and not grid.state(number).settled:
        grid.mark(number, "failed", message)
    trials.end()
    state = grid.state(number)
    return tell({"end": number, "state": state.state, "error": state.error})
