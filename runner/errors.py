"""What can go wrong for a user, and the exit code each way of going wrong ends with.

VaerunError            1    a run failed
├── UsageError         2    the user's input is wrong
├── DataError          3    data are missing or corrupt
├── DivergedError      4    the loss is no longer a finite number
└── InterruptedRun     130  Ctrl-C (143 for SIGTERM), after a checkpoint

Everything else that reaches the command line is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VaerunError(Exception):
    """An expected failure: one line for the user, and perhaps a second that says how to mend it."""

    exit_code: int = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(VaerunError):
    """The command line, a YAML file or a folder given by the user is wrong."""

    exit_code = 2


class DataError(VaerunError):
    """A dataset is missing, truncated or corrupt."""

    exit_code = 3


class DivergedError(VaerunError):
    """The loss or a parameter stopped being a finite number."""

    exit_code = 4


class InterruptedRun(VaerunError):  # noqa: N818 - an interruption is not an error of the program
    """Training was stopped by a signal, after a checkpoint was written."""

    def __init__(self, message: str, hint: str | None, signal_number: int) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal_number


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return "did you mean 'x'?" for the choice most like ``word``, or None if none is close."""
    options = list(choices)
    matches = difflib.get_close_matches(word, options, n=1, cutoff=0.7)
    if not matches:  # by the last part alone: in `prior.nme` it is the name that was meant
        by_tail = {option.rpartition(".")[2]: option for option in reversed(options)}
        tails = difflib.get_close_matches(word.rpartition(".")[2], list(by_tail), n=1, cutoff=0.5)
        matches = [by_tail[tail] for tail in tails]
    return f"did you mean '{matches[0]}'?" if matches else None


def nearest_setting(key: str, known: Iterable[str]) -> str | None:
    """Return a hint for an unknown dotted key: the nearest, or what the group it names has."""
    others = list(known)
    parent = key.rpartition(".")[0]
    beside = [other for other in others if parent and other.rpartition(".")[0] == parent]
    if not beside:
        # The end of a setting's name means that setting, however like another's it looks.
        ends = [other for other in others if other.endswith(f".{key}")]
        return f"did you mean '{ends[0]}'?" if ends else nearest(key, others)
    # The group is right: what is meant is one of its own settings.
    names = ", ".join(other.rpartition(".")[2] for other in beside)
    return nearest(key, beside) or f"{parent} has {names}"
