"""The settings of a grid's runs, however they were written: which runs are the same, what differs.

To compose every run of a grid would take minutes. The choices (``objective=vae``) are composed once
for all runs that share them, and the values (``beta=4``) are put in place of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from runner.config import GROUPS
from runner.config.composition import compose
from runner.config.tree import is_schedule, leaves
from runner.errors import UsageError

Settings = Mapping[str, str | None]
"""Dotted name → value as text, of the settings that are not the program's defaults; None: unset."""

_CHOICES = (*GROUPS, "hydra.searchpath", "plugins")
_MOST_SHOWN = 3


def settings_of(overrides: Sequence[str]) -> Settings:
    """Return the settings that overrides stand for: equal where the same run is described.

    Overrides that cannot be composed, such as those of another version, stand for themselves.
    """
    plain = [override.lstrip("+") for override in overrides]
    is_choice = [override.partition("=")[0] in _CHOICES for override in plain]
    choices = tuple(o for o, chosen in zip(overrides, is_choice, strict=True) if chosen)
    try:
        brought, found = _brought(choices), dict(_changed(choices))
        for override, chosen in zip(plain, is_choice, strict=True):
            if not chosen:
                _set(found, brought, override)
    except UsageError:
        return {key: _text(value) for key, _, value in (o.partition("=") for o in sorted(plain))}
    return found


def key_of(overrides: Sequence[str]) -> frozenset[tuple[str, str | None]]:
    """Return :func:`settings_of` as a key of a mapping."""
    return frozenset(settings_of(overrides).items())


def differences(
    known: Iterable[Sequence[str]], given: Iterable[Sequence[str]]
) -> Iterator[tuple[str, str, str]]:
    """Yield (setting, its values in known runs, those in given ones), where they differ.

    Of settings that a choice brings, the choice stands for all; those of which no value is shared
    come first.
    """
    there, here = (tuple(map(settings_of, runs)) for runs in (known, given))
    names = {key for settings in (*there, *here) for key in settings}
    pairs = {key: (_values(there, key), _values(here, key)) for key in names}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    chosen = [group for group in GROUPS if f"{group}.name" in differing]
    shown = [key for key in differing if key.partition(".")[0] not in chosen]
    shared = {key for key, (before, now) in differing.items() if before & now}
    for key in [
        *(f"{group}.name" for group in chosen),
        *sorted(shown, key=lambda k: (k in shared, k)),
    ]:
        before, now = (_listed(values) for values in differing[key])
        yield (key.removesuffix(".name") if key not in shown else key), before, now


def in_words(found: Iterable[tuple[str, str, str]]) -> str:
    """Return the first few differences in words, and how many more there are."""
    parts = [f"{key} {before} there, {now} here" for key, before, now in found]
    more = len(parts) - _MOST_SHOWN
    return "; ".join(parts[:_MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")


@lru_cache(maxsize=512)
def _brought(choices: tuple[str, ...]) -> Mapping[str, str]:
    """Return all settings with these choices, references unresolved."""
    from omegaconf import OmegaConf

    composed = OmegaConf.to_container(compose(choices).settings, resolve=False)
    return {key: _text(value) for key, value in leaves(cast("dict[str, Any]", composed))}


@lru_cache(maxsize=512)
def _changed(choices: tuple[str, ...]) -> Settings:
    """Return the settings with these choices that are not as they are without any."""
    usual, brought = _brought(()), _brought(choices)
    unset = dict.fromkeys(usual.keys() - brought.keys())
    return unset | {key: text for key, text in brought.items() if usual.get(key) != text}


def _set(found: dict[str, str | None], brought: Mapping[str, str], override: str) -> None:
    usual = _brought(())
    for key, text in _parsed(override):
        if key not in brought:  # a mapping that a number replaces, or the other way round
            for old in (*brought, *found):
                if old.startswith(f"{key}.") or key.startswith(f"{old}."):
                    found.pop(old, None)
                    if old in usual:
                        found[old] = None
        found[key] = text
        if usual.get(key) == text:
            del found[key]


@lru_cache(maxsize=2**16)
def _parsed(override: str) -> tuple[tuple[str, str], ...]:
    """Return (setting, value) of an override, several where it is a mapping.

    Raises: UsageError when it cannot be read.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException as error:
        raise UsageError(f"cannot read '{override}'") from error
    key, value = parsed.key_or_group, cast("Any", parsed.value())
    if isinstance(value, Mapping) and value and not is_schedule(cast("Mapping[str, Any]", value)):
        inside = leaves(cast("Mapping[str, Any]", value), f"{key}.")
        return tuple((name, _text(entry)) for name, entry in inside)
    return ((key, _text(value)),)


def _text(value: object) -> str:
    """Return a value as text: 4, 4.0 and '4' alike, mappings in any order."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return f"{{{', '.join(sorted(f'{key}: {_text(entry)}' for key, entry in entries))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, cast('Sequence[object]', value)))}]"
    text = str(value)
    if value is None or isinstance(value, bool):
        return {"None": "null"}.get(text, text.lower())
    try:
        number = float(text)
    except ValueError:
        return text
    if not number.is_integer():
        return repr(number)
    return text if text.lstrip("+-").isdecimal() else str(int(number))


def _values(runs: Sequence[Settings], key: str) -> set[str]:
    usual = _brought(()).get(key)
    return {settings.get(key, usual) or "unset" for settings in runs}


def _listed(values: set[str]) -> str:
    shown = sorted(values)[:_MOST_SHOWN]
    return ", ".join(shown) + (", …" if len(values) > _MOST_SHOWN else "")
