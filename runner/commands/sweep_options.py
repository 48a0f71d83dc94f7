"""What the command line asks of a grid: which runs, where, and in which folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from runner.commands.overrides import steps_or_epochs
from runner.config import of_grid
from runner.errors import UsageError
from runner.grid.sweep_file import Block, Sweep, Values, find, read

PLACES = ("device", "data_dir", "wandb.", "training.checkpoint_minutes")
"""Settings that say where and how a run is carried out, and change nothing of what it finds."""

_OWN = {"sweep": "name", "only": "only", "launcher": "launcher"}
"""Settings of grids that no run has → the field of :class:`SweepOptions`."""


@dataclass
class SweepOptions:
    """What is asked of a grid, sorted by what it is about."""

    name: str | None = None
    """The sweep file; None: the grid is what the settings cross."""
    settings: list[str] = field(default_factory=list[str])
    """Overrides of the runs, some of several values."""
    places: list[str] = field(default_factory=list[str])
    """Overrides that say where runs are carried out; they hold for all."""
    only: str | None = None
    launcher: str = "local"
    of_launcher: list[str] = field(default_factory=list[str])
    folder: list[str] = field(default_factory=list[str])
    """Overrides that name the grid's folder."""


def sort_options(overrides: Iterable[str]) -> SweepOptions:
    """Return the overrides of a command line, sorted."""
    options = SweepOptions()
    for override in overrides:
        key, _, value = override.partition("=")
        if key in _OWN:
            setattr(options, _OWN[key], value)
        else:
            _kind(options, key, override).append(override)
    return options


def _kind(options: SweepOptions, key: str, override: str) -> list[str]:
    """Return the list that an override belongs to."""
    if key.startswith("launcher."):
        return options.of_launcher
    if key in ("out", "sweep_name") or key.startswith("hydra.sweep."):
        return options.folder
    is_place = key.startswith(PLACES) and not _is_crossed(override)
    return options.places if is_place else options.settings


def requested_sweep(options: SweepOptions) -> Sweep:
    """Return the grid: a sweep file's with some values replaced, or what the settings cross."""
    given = _values(steps_or_epochs(options.settings))
    named = [o.partition("=")[2] for o in options.folder if o.startswith("sweep_name=")]
    if options.name is None:
        return Sweep(named[-1] if named else None, (Block(given),))
    found = read(find(options.name)).replaced(given)
    if not named:
        options.folder.append(f"sweep_name={found.name}")
    return Sweep(named[-1] if named else found.name, found.blocks)


def _values(settings: Iterable[str]) -> Values:
    """Return the values of each setting, several where Hydra's grammar has several."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    values: dict[str, tuple[str, ...]] = {}
    for setting in map(of_grid, settings):
        key, _, value = setting.partition("=")
        try:
            parsed = OverridesParser.create().parse_override(setting)
        except HydraException as error:
            message = f"cannot read '{setting}': {str(error).splitlines()[0]}"
            raise UsageError(message) from error
        if not parsed.is_sweep_override():
            values[key] = (value,)
        elif parsed.is_discrete_sweep():
            values[key] = tuple(parsed.sweep_string_iterator())
        else:
            raise UsageError(f"{setting}: a grid needs values, such as {key}=1,2 or range(0,5)")
    return values


def _is_crossed(setting: str) -> bool:
    return any(len(values) > 1 for values in _values([setting]).values())


def selected(only: str | None, indices: Sequence[int]) -> tuple[int, ...]:
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
