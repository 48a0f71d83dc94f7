"""What the command line asks of a grid: which runs, where, and in which folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from runner.commands.overrides import steps_or_epochs
from runner.config import of_grid
from runner.config.grammar import parsed_override
from runner.config.plugin_setting import KEY
from runner.config.plugin_use import given_plugins, use
from runner.errors import UsageError
from runner.grid.sweep_file import Block, Sweep, find, read
from runner.grid.sweep_parameters import MOST_RUNS, Values

PLACES = ("device", "data_dir", "wandb.", "tracking.", "training.checkpoint_minutes")
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
    of_search: list[str] = field(default_factory=list[str])
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
    if key == "search" or key.startswith("search."):
        return options.of_search
    if key in ("out", "sweep_name") or key.startswith("hydra.sweep."):
        return options.folder
    is_place = key.startswith(PLACES) and not _is_crossed(override)
    return options.places if is_place else options.settings


def requested_sweep(options: SweepOptions) -> Sweep:
    """Return the grid: a sweep file's with some values replaced, or what the settings cross."""
    if options.of_search:
        key = options.of_search[0].partition("=")[0]
        hint = "a sweep file with method: random or bayes is a search"
        raise UsageError(f"{key} is for a search, and this is a grid", hint)
    given = values_of(options.settings)
    in_file = read(find(options.name)) if options.name is not None else None
    name = named(options, in_file.name if in_file is not None else None)
    found = Sweep(name, in_file.replaced(given).blocks if in_file else (Block(given),))
    found = found.with_recorded_plugins()
    found.check_size()
    return found


def named(options: SweepOptions, in_file: str | None) -> str | None:
    """Return the name of a grid, from the command line or its file, and note it for its folder."""
    given = [o.partition("=")[2] for o in options.folder if o.startswith("sweep_name=")]
    if given:
        return None if given[-1] == "null" else given[-1]
    if in_file is not None:
        options.folder.append(f"sweep_name={in_file}")
    return in_file


def values_of(settings: Iterable[str]) -> Values:
    """Return the values of each setting of a command line.

    Raises: UsageError when one cannot be read, or has no values.
    """
    given = list(settings)
    _use_the_first(given)
    return _values(steps_or_epochs(given))


def _use_the_first(settings: Sequence[str]) -> None:
    """Load the plugins that are given, since other settings may be of their pieces.

    Several sets of them are loaded in turn, when the runs are composed.
    """
    given = [o for o in settings if o.partition("=")[0].lstrip("+") == KEY]
    if (
        given
        and not parsed_override(given[-1], KEY, given[-1].partition("=")[2]).is_sweep_override()
    ):
        use(given_plugins(given))


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
            values[key] = _listed(setting, parsed)
        else:
            raise _no_values(setting)
    return values


def _listed(setting: str, parsed: Any) -> tuple[str, ...]:  # noqa: ANN401 - Hydra's override
    """Return the values of an override of several, which may be a range of any length."""
    from hydra.errors import HydraException

    sweep = parsed.value()
    if hasattr(sweep, "stop"):
        sweep.shuffle = False  # for which Hydra would list the whole range
    try:
        found = tuple(islice(parsed.sweep_string_iterator(), MOST_RUNS + 1))
    except (HydraException, ValueError, ArithmeticError) as error:
        raise _no_values(setting) from error
    if len(found) > MOST_RUNS:
        raise UsageError(f"{setting} has more than {MOST_RUNS:,} values")
    if not found:
        raise _no_values(setting)
    return found


def _no_values(setting: str) -> UsageError:
    key = setting.partition("=")[0]
    return UsageError(f"{setting}: a grid needs values, such as {key}=1,2 or range(0,5)")


def _is_crossed(setting: str) -> bool:
    return any(len(values) > 1 for values in _values([setting]).values())


def selected(only: str | None, indices: Sequence[int]) -> tuple[int, ...]:
    """Return the runs that ``only=3,7-9`` names among the grid's.

    Raises: UsageError when it names none, or one that there is not.
    """
    if only is None:
        return tuple(indices)
    if not indices:
        raise UsageError(f"only={only}: the grid has no runs")
    numbers: set[int] = set()
    for part in only.strip("[]").split(","):
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", part)
        if match is None:
            raise UsageError(f"cannot read only={only}", "numbers and ranges: only=3,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"only={only}: {first}-{last} runs backwards", f"{last}-{first}")
        if last > max(indices):
            raise _no_run(only, max(first, max(indices) + 1), indices)
        numbers |= set(range(first, last + 1))
    if missing := sorted(numbers - set(indices)):
        raise _no_run(only, missing[0], indices)
    return tuple(number for number in indices if number in numbers)


def _no_run(only: str, number: int, indices: Sequence[int]) -> UsageError:
    hint = f"the grid has {min(indices)} to {max(indices)}"
    return UsageError(f"only={only}: there is no run {number}", hint)
