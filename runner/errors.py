"""Errors that are expected, and their exit codes.

VaerunError            1    a run failed
├── UsageError         2    the user's input is wrong
├── DataError          3    data are missing or corrupt
├── DivergedError      4    the loss is no longer a finite number
├── InterruptedRun     130  Ctrl-C (143 SIGTERM, 129 SIGHUP), after a checkpoint
└── PrunedRun            0  a search stopped the run early, after a checkpoint

Any other exception that reaches the command line is a bug, and is shown with its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VaerunError(Exception):
    """An expected error: a message of one line, and optionally a hint at its remedy."""

    exit_code: int = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def of_the_system(error: OSError) -> VaerunError:
    """Return what to tell the user of a file, a folder or a disk that cannot be used."""
    place = f": '{error.filename}'" if error.filename else ""
    return VaerunError(f"{error.strerror or error}{place}")


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


class PrunedRun(VaerunError):  # noqa: N818 - a search does without the rest of the run
    """Training was stopped by the search that the run belongs to, after a checkpoint."""

    exit_code = 0


def nearest(text: str, choices: Iterable[str]) -> str | None:
    """Return "did you mean 'x'?" for the choice most like ``text``, or None if none is close."""
    options = list(choices)
    matches = difflib.get_close_matches(text, options, n=1, cutoff=0.7)
    if not matches:  # compare last parts alone: `nme` of `prior.nme` with `name`
        by_tail = {o.rpartition(".")[2]: o for o in reversed(options) if "." in o}
        tails = difflib.get_close_matches(text.rpartition(".")[2], list(by_tail), n=1, cutoff=0.7)
        matches = [by_tail[tail] for tail in tails]
    if not matches:  # a word of a name: `dir` of `data_dir`
        matches = [o for o in options if text and text in o.rpartition(".")[2].split("_")[1:]]
    return f"did you mean '{matches[0]}'?" if matches else None


def nearest_setting(key: str, known: Iterable[str]) -> str | None:
    """Return a hint for an unknown dotted key: the nearest key, or the settings of its group."""
    others = list(known)
    parent = key.rpartition(".")[0]
    beside = [other for other in others if parent and other.rpartition(".")[0] == parent]
    if not beside:
        # A key that is the end of a setting's name is taken for that setting, even if another
        # name is more similar.
        ends = [other for other in others if other.endswith(f".{key}")]
        return f"did you mean '{ends[0]}'?" if ends else nearest(key, others)
    # The group exists, so only its own settings are suggested.
    names = [other.rpartition(".")[2] for other in beside]
    matches = difflib.get_close_matches(key.rpartition(".")[2], names, n=1, cutoff=0.6)
    if matches:
        return f"did you mean '{parent}.{matches[0]}'?"
    return f"{parent} has {', '.join(names)}"


def cannot_change(
    command: str, key: str, allowed: Iterable[str], known: Iterable[str] = ()
) -> UsageError:
    """Return the refusal of a setting that a command does not take, with those that it takes.

    Args:
        command: what refuses, in words: ``resume``.
        key: the setting.
        allowed: what it takes; a name that ends in ``*`` stands for all that begin so.
        known: settings that these stand for, of which the nearest is proposed.
    """
    names = list(allowed)
    exact = [name for name in names if not name.endswith("*")]
    hint = nearest(key, [*exact, *known]) or f"it can change {', '.join(names)}"
    return UsageError(f"{command} cannot change '{key}'", hint)
