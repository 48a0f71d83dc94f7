"""One setting of a command line, ``key=value``: read, checked against its type, quoted if need be.

What is a name or a path by its type is taken as it stands, whatever characters it has. Other values
are read by Hydra's grammar.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_origin

from runner.config.schema import GRID_GROUPS, GROUPS
from runner.config.setting_types import all_settings, is_text, switched_on_by, type_of
from runner.config.value_types import described, require, shown, without_null
from runner.errors import UsageError, nearest, nearest_setting

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override as HydraOverride

_DEEPEST = 32
"""Brackets within brackets; no setting has more than a few."""

_LONGEST_NUMBER = 300
"""Digits; a floating-point number has no more before its point."""

_OF_HYDRA = ("hydra.searchpath", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")
"""The settings of Hydra's own that have a use here."""


@dataclass(frozen=True)
class Override:
    """A setting that was given: ``text`` is the override as Hydra takes it."""

    text: str
    key: str
    value: object


@lru_cache(maxsize=4096)
def read_override(given: str) -> Override:
    """Return a setting as it is meant.

    Raises: UsageError for a key that can be none, and for what its type does not take.
    """
    written, _, raw = given.partition("=")
    key = written.lstrip("+~")
    if "@" in key:
        raise UsageError(f"cannot read '{given}': a setting's name has no '@'")
    if not key or re.search(r"[^\w./\-$]", key):
        raise UsageError(f"cannot read '{given}': a setting is written key=value")
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        return _of_hydra(given, key, raw)
    if written.startswith("~"):
        return Override(given, key, None)
    prefix = written[: len(written) - len(key)]
    if key in GROUPS and not raw.lstrip().startswith("{"):
        return _choice(given, key, raw)
    if is_text(key):
        return _text(prefix, key, raw)
    value = _parsed(given, key, raw)
    hint = type_of(key)
    if hint is None:
        _refuse_part_of_value(key)
    else:
        require(hint, key, value)
    section = switched_on_by(key, value)
    if section is None:
        return Override(given, key, value)
    # Hydra cannot fill a section that is null, but merges the section above it.
    around, _, name = section.rpartition(".")
    inside = key[len(section) + 1 :]
    filled = f"{{{inside}: {raw}}}" if inside else raw
    return Override(f"{around}={{{name}: {filled}}}", key, value)


def _of_hydra(given: str, key: str, raw: str) -> Override:
    if key not in _OF_HYDRA:
        hint = f"it can be {', '.join(_OF_HYDRA[1:])}; vaerun --help has the options"
        raise UsageError(f"'{key}' is not used here", hint)
    if key == "hydra.searchpath":
        return Override(given, key, _parsed(given, key, raw))
    return _text("", key, raw)


def _choice(given: str, group: str, raw: str) -> Override:
    """Return the choice of a group; Hydra says of an unknown name which there are."""
    value = _unquoted(group, raw)
    if value == "null":
        if group not in ("experiment", "debug"):
            raise UsageError(f"{group}=null: there must be one", "vaerun list shows the choices")
        return Override(f"{group}=null", group, None)
    if re.match(r"[\[(]", value):
        raise UsageError(f"{group} must be one name, got {value}", f"vaerun list {group}")
    if "," in value:
        raise UsageError(f"{given} has several values", "-m trains a run for each of them")
    if not re.fullmatch(r"[A-Za-z_][\w.+-]*", value):
        raise UsageError(f"unknown {group} '{value}'", f"vaerun list {group}")
    return Override(f"{group}={value}", group, value)


def _text(prefix: str, key: str, raw: str) -> Override:
    """Return a name or a path as it stands; in Hydra's quotes, without them."""
    _, nullable = without_null(type_of(key))
    if raw == "null":
        if nullable:
            return Override(f"{prefix}{key}=null", key, None)
        hint = f"a name 'null' is written in quotes: {shell_quoted(key, 'null')}"
        raise UsageError(f"{key} must be text, got null", hint)
    value = _unquoted(key, raw)
    if "${" in value and not _is_well_formed(value):  # then it is no reference, but a part of it
        value = value.replace("${", "\\${")
    return Override(f"{prefix}{key}={quoted(value)}", key, value)


def _is_well_formed(text: str) -> bool:
    """Whether a text with ``${`` is written as references are."""
    from omegaconf.errors import GrammarParseError
    from omegaconf.grammar_parser import parse

    try:
        parse(text)
    except (GrammarParseError, RecursionError):
        return False
    return True


def quoted(text: str) -> str:
    """Return a text as Hydra's grammar reads it back, whatever characters it has."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text, Quote.double).with_quotes()  # a shell's own quotes are single


def shell_quoted(key: str, text: str) -> str:
    """Return a setting with a text as its value, to be pasted into a shell."""
    return shlex.quote(f"{key}={quoted(text)}")


def _unquoted(key: str, raw: str) -> str:
    """Return a text without the quotes that it is in, if it is."""
    if len(raw) >= 2 and raw[0] in "'\"" and raw[-1] == raw[0]:
        parsed = _parse(f"{key}={raw}")
        if parsed is not None and not parsed.is_sweep_override():
            return str(parsed.value())
    return raw


def _parse(text: str) -> HydraOverride | None:
    """Return what Hydra reads, or None for what it cannot read."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(text)
    except (HydraException, ValueError, RecursionError):
        return None


def _parsed(given: str, key: str, raw: str) -> object:
    """Return the value of a setting by Hydra's grammar.

    Raises: UsageError for what it cannot read, and for several values.
    """
    if _depth(raw) > _DEEPEST:
        raise UsageError(f"{key}: more than {_DEEPEST} brackets within brackets")
    if number := re.search(rf"\d{{{_LONGEST_NUMBER},}}", raw):
        raise UsageError(f"{key}: a number of {len(number[0]):,} digits is not a value")
    parsed = _parse(given)
    if parsed is None:
        raise _unreadable(given, key, raw)
    if (twice := _key_given_twice(raw)) is not None:
        raise UsageError(f"{key}: '{twice}' is given twice")
    if parsed.is_sweep_override():
        raise UsageError(f"{given} has several values", "-m trains a run for each of them")
    return cast("Any", parsed.value())


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character in "[{(") - (character in "]})")
        deepest = max(deepest, depth)
    return deepest


def _key_given_twice(text: str) -> str | None:
    """Return a key that a mapping such as ``{a: 1, a: 2}`` has twice, of which one would be lost.

    ``text`` is one that Hydra's grammar reads.
    """
    open_mappings: list[set[str]] = []
    tokens = re.findall(r"""'(?:\\.|[^'])*'|"(?:\\.|[^"])*"|[{}\[\](),:]|[^{}\[\](),:'"]+""", text)
    for token, after in zip(tokens, [*tokens[1:], ""][: len(tokens)], strict=True):
        if token in ("{", "["):
            open_mappings.append(set())
        elif token in ("}", "]"):
            open_mappings.pop()
        elif after == ":" and open_mappings:
            name = token.strip().strip("'\"")
            if name in open_mappings[-1]:
                return name
            open_mappings[-1].add(name)
    return None


def _unreadable(given: str, key: str, raw: str) -> UsageError:
    """Return the error for a value that is not in Hydra's grammar."""
    hint = type_of(key)
    kind, _ = without_null(hint)
    is_compound = hint in (None, Any) or get_origin(kind) in (list, dict) or raw[:1] in "[{"
    if not is_compound:
        return UsageError(f"{key} must be {described(hint)}, got {shown(raw)}")
    for opening, closing in ("[]", "{}", "()"):
        if raw.count(opening) != raw.count(closing):
            message = f"as many '{opening}' as '{closing}' are needed"
            return UsageError(f"cannot read '{given}': {message}")
    if raw.count("'") % 2 or raw.count('"') % 2:
        return UsageError(f"cannot read '{given}': a quote is not closed")
    return UsageError(f"cannot read '{given}'", _advice(key, raw))


def _advice(key: str, raw: str) -> str:
    """Return how names with characters such as '#' or '=' are written in a list or a mapping."""
    if raw.startswith("[") and raw.endswith("]"):
        items = [item.strip().strip("'\"") for item in raw[1:-1].split(",")]
        written = f"[{','.join(quoted(item) for item in items)}]"
        if _parse(f"{key}={written}") is not None:
            return f"with its names in quotes: {shlex.quote(f'{key}={written}')}"
    return "names with other characters than letters and digits stand in quotes: ['a#b','c d']"


def _refuse_part_of_value(key: str) -> None:
    """Refuse ``beta.linear=3``: what is one value has no settings of its own."""
    parent = key.rpartition(".")[0]
    while parent:
        hint = type_of(parent)
        if hint is not None and hint is not Any:
            if not is_dataclass(without_null(hint)[0]):
                message = f"unknown setting '{key}'"
                raise UsageError(message, f"{parent} is one value: {described(hint)}")
            return
        parent = parent.rpartition(".")[0]


def searched_folders(override: str) -> list[Path]:
    """Return the folders of a search path, ``hydra.searchpath=['file:///own']``."""
    value = read_override(override).value
    entries = cast("list[object]", value) if isinstance(value, list) else [value]
    return [Path(str(e).removeprefix("file://").replace("\\${", "${")) for e in entries]


def unknown(key: str) -> UsageError:
    """Return the error for a setting that no choice has, with the nearest that some have."""
    return UsageError(
        f"unknown setting '{key}'",
        nearest_setting(key, all_settings()) or "vaerun list shows all settings",
    )


def changes(overrides: list[str], group: str | None = None) -> dict[str, Any]:
    """Return settings as nested mappings: what is to be changed in some that are there.

    Args:
        overrides: settings of a run, or of the group of ``conf/`` that is composed by itself.
        group: that group; None: of a run.

    Raises: UsageError for a setting that there is not, or a value that it cannot have.
    """
    found: dict[str, Any] = {}
    for text in overrides:
        override = read_override(text)
        key = override.key
        if type_of(key) is None or (key in GROUPS and not isinstance(override.value, dict)):
            if key in (*GROUPS, *GRID_GROUPS):
                raise UsageError(f"'{key}' is chosen when a run starts, and cannot be changed")
            raise unknown(key)
        place = found
        *sections, name = key.split(".")
        for section in sections:
            inner = place.get(section)
            place[section] = place = inner if isinstance(inner, dict) else {}
        place[name] = override.value
    return found


