"""What the command line asks of a grid: which runs, where, and in which folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner import config
from runner.commands.arguments import Words, steps_or_epochs
from runner.errors import UsageError, nearest
from runner.grid.sweep_file import Block, Sweep, Values, find, read

PLACES = ("device", "data_dir", "wandb.", "training.checkpoint_minutes")
"""Settings that say where and how a run is carried out, and change nothing of what it finds."""

_MULTIRUN = ("-m", "--multirun")

_OWN = {"sweep": "name", "only": "only", "launcher": "launcher"}
"""Words of grids that no run knows, and what of :class:`Asked` they are."""


@dataclass
class Asked:
    """The command line, read."""

    name: str | None = None
    settings: list[str] = field(default_factory=list[str])
    places: list[str] = field(default_factory=list[str])
    only: str | None = None
    launcher: str = "local"
    of_launcher: list[str] = field(default_factory=list[str])
    folder: list[str] = field(default_factory=list[str])
    """The words that name the grid's folder."""

    dry: bool = False
    """Whether it is only to be said what would be trained."""


def read_words(words: Words) -> Asked:
    """Read the command line.

    Raises: UsageError for a flag that grids do not know, a launcher of Hydra's, or no grid at all.
    """
    asked = Asked(settings=_searched(words.flags), dry="--dry-run" in words.flags)
    for word in words.settings:
        key, _, value = word.partition("=")
        if key in ("hydra/launcher", "hydra/sweeper"):
            hint = "launcher=local, slurm or ray; W&B's sweeps search by other methods than grid"
            raise UsageError(f"'{key}' is not used here", hint)
        if key in _OWN:
            setattr(asked, _OWN[key], value)
        else:
            _kind(asked, key, word).append(word)
    if asked.name is None and not set(_MULTIRUN) & set(words.flags):
        raise UsageError("only, launcher and --dry-run are of grids", "sweep=NAME, or -m KEY=A,B")
    asked.settings = [config.allow_new_key(word) for word in asked.settings]
    return asked


def _kind(asked: Asked, key: str, word: str) -> list[str]:
    """Return the words among which one belongs."""
    if key.startswith("launcher."):
        return asked.of_launcher
    if key in ("out", "sweep_name") or key.startswith("hydra.sweep."):
        return asked.folder
    return asked.places if key.startswith(PLACES) and not _is_crossed(word) else asked.settings


def _searched(flags: Sequence[str]) -> list[str]:
    """Return the settings that stand for flags: Hydra's ``--config-dir`` is a place to search.

    Raises: UsageError for a flag that grids do not know.
    """
    words: list[str] = []
    rest = iter(flag for flag in flags if flag not in (*_MULTIRUN, "--dry-run"))
    for flag in rest:
        name, equals, value = flag.partition("=")
        if name not in ("--config-dir", "-cd"):
            raise UsageError(f"a grid has no option '{flag}'", nearest(flag, ["--dry-run"]))
        folder = Path(value if equals else next(rest, "")).resolve()
        words.append(f"hydra.searchpath=[file://{folder}]")
    return words


def crossed(asked: Asked) -> Sweep:
    """Return the grid that is asked for: a file's with some values replaced, or one of words."""
    given = _values(steps_or_epochs(asked.settings))
    named = [w.partition("=")[2] for w in asked.folder if w.startswith("sweep_name=")]
    if asked.name is None:
        return Sweep(named[-1] if named else None, (Block(given),))
    found = read(find(asked.name)).replaced(given)
    if not named:
        asked.folder.append(f"sweep_name={found.name}")
    return Sweep(named[-1] if named else found.name, found.blocks)


def _values(settings: Iterable[str]) -> Values:
    """Return the values of each setting on the command line, crossed where Hydra crosses them."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    values: dict[str, tuple[str, ...]] = {}
    for word in settings:
        key, _, value = word.partition("=")
        try:
            parsed = OverridesParser.create().parse_override(word)
        except HydraException as error:
            message = f"cannot read '{word}': {str(error).splitlines()[0]}"
            raise UsageError(message) from error
        if not parsed.is_sweep_override():
            values[key] = (value,)
        elif parsed.is_discrete_sweep():
            values[key] = tuple(parsed.sweep_string_iterator())
        else:
            raise UsageError(f"{word}: a grid needs values, such as {key}=1,2 or range(0,5)")
    return values


def _is_crossed(word: str) -> bool:
    return any(len(values) > 1 for values in _values([word]).values())


def chosen(only: str | None, indices: Sequence[int]) -> tuple[int, ...]:
    """Return the runs that ``only=3,7-9`` names among the grid's.

    Raises: UsageError when it names none, or one that there is not.
    """
    if only is None:
        return tuple(indices)
    numbers: set[int] = set()
    for part in only.strip("[]").split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise UsageError(f"cannot read only={only}", "numbers and ranges: only=3,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        numbers |= set(range(first, min(last, max(indices)) + 1)) or {first}
    if missing := sorted(numbers - set(indices)):
        message = f"only={only}: there is no run {missing[0]}"
        raise UsageError(message, f"the grid has {min(indices)} to {max(indices)}")
    return tuple(number for number in indices if number in numbers)
