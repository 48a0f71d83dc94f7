"""The words of a command line: which are settings, which are flags, which are neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.errors import UsageError, nearest

COMMANDS = ("resume", "evaluate", "compare", "list", "fetch", "sync")

_NO_CHOICE = ("experiment=null", "debug=null", "sweep=null")
"""What conf/config.yaml says already, in words that Hydra does not take."""

_FLAGS_WITH_VALUE = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn",
                     "--cfg", "-c", "--package", "-p", "--info", "-i",
                     "--experimental-rerun")  # fmt: skip


@dataclass(frozen=True)
class Words:
    """Settings, such as ``beta=4``, and flags with their values, each in the order given."""

    settings: list[str]
    flags: list[str]


def split(words: Sequence[str]) -> Words:
    """Return the words, sorted into settings and flags.

    Raises: UsageError for a word that is neither a setting nor a flag.
    """
    found, previous = Words([], []), ""
    for word in words:
        is_value, previous = previous in _FLAGS_WITH_VALUE, word
        if is_value or word.startswith("-"):
            found.flags.append(word)
        elif _is_setting(word):
            found.settings.append(word)
    return found


def _is_setting(word: str) -> bool:
    if word.startswith("~"):
        raise UsageError(f"cannot read '{word}': a setting is given a value, not taken away")
    if word.startswith("=") or "=" not in word:
        commands = nearest(word, COMMANDS)
        raise UsageError(
            f"cannot read '{word}': a setting is written key=value",
            commands or f"commands: {', '.join(COMMANDS)}; vaerun --help shows how to use them",
        )
    return word not in _NO_CHOICE


def steps_or_epochs(settings: list[str]) -> list[str]:
    """Let ``steps=`` on the command line win over epochs that an experiment sets.

    Raises: UsageError when both are given.
    """
    keys = {word.partition("=")[0].lstrip("+") for word in settings}
    if "steps" not in keys:
        return settings
    if "epochs" in keys:
        raise UsageError("give steps or epochs, not both")
    return [*settings, "epochs=null"]
