"""Values by Hydra's grammar: read, or refused in words that say how they are written."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

from runner.config.setting_types import type_of
from runner.config.shown import shown
from runner.config.value_types import described, without_null
from runner.errors import UsageError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override as HydraOverride

_DEEPEST = 32
"""Brackets within brackets; no setting has more than a few."""

_LONGEST_NUMBER = 300
"""Digits; a floating-point number has no more before its point."""


def quoted(text: str) -> str:
    """Return a text as Hydra's grammar reads it back, whatever characters it has."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text, Quote.double).with_quotes()  # a shell's own quotes are single


def shell_quoted(key: str, text: str) -> str:
    """Return a setting with a text as its value, to be pasted into a shell."""
    return shlex.quote(f"{key}={quoted(text)}")


def unquoted(key: str, raw: str) -> str:
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


def parsed_value(given: str, key: str, raw: str) -> object:
    """Return the value of a setting by Hydra's grammar.

    Raises: UsageError for what it cannot read, and for several values.
    """
    parsed = parsed_override(given, key, raw)
    if parsed.is_sweep_override():
        raise UsageError(f"{given} has several values", "-m trains a run for each of them")
    return cast("Any", parsed.value())


def is_readable(given: str) -> bool:
    """Whether Hydra's grammar reads a setting."""
    return _parse(given) is not None


def parsed_override(given: str, key: str, raw: str) -> HydraOverride:
    """Return a setting of one value or of several, by Hydra's grammar.

    Raises: UsageError for what it cannot read.
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
    return parsed


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
    is_compound = kind in (None, Any) or get_origin(kind) in (list, dict) or raw[:1] in "[{"
    if not is_compound:
        return UsageError(f"{key} must be {described(hint)}, got {shown(raw)}")
    for opening, closing in ("[]", "{}", "()"):
        if raw.count(opening) != raw.count(closing):
            message = f"as many '{opening}' as '{closing}' are needed"
            return UsageError(f"cannot read '{given}': {message}")
    if raw.count("'") % 2 or raw.count('"') % 2:
        return UsageError(f"cannot read '{given}': a quote is not closed")
    has_names = kind in (None, Any) or get_origin(kind) is dict or str in get_args(kind)
    if not has_names:
        return UsageError(f"{key} must be {described(hint)}, got {shown(raw)}")
    return UsageError(f"cannot read '{given}'", _advice(key, raw))


def _advice(key: str, raw: str) -> str:
    """Return how names with characters such as '#' or '=' are written in a list or a mapping."""
    if raw.startswith("[") and raw.endswith("]"):
        items = [item.strip().strip("'\"") for item in raw[1:-1].split(",")]
        written = f"[{','.join(quoted(item) for item in items)}]"
        if _parse(f"{key}={written}") is not None:
            return f"with its names in quotes: {shlex.quote(f'{key}={written}')}"
    if raw.startswith("{"):
        return "a name before ':' has no quotes, and no signs but / - + . $ % * @; YAML takes any"
    return "names with other characters than letters and digits stand in quotes: ['a#b','c d']"
