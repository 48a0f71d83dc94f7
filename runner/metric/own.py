"""Scores that a user's file adds: computed, named like ours, and described as the file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from runner.errors import UsageError
from runner.metric.codes import Codes
from runner.metric.quantities import describe
from runner.metric.quantity import Quantity
from runner.plugins import Piece, call, wrong


def own_score(
    piece: Piece, codes: Codes, *, seed: int, settings: Mapping[str, Any]
) -> dict[str, float]:
    """Return the numbers of an own score: under its name, and further ones beneath it.

    Raises: UsageError where there are too few factors, its function fails, or it returns something
        else than numbers by name.
    """
    least = int(piece.options["factors"])
    if len(codes.factor_names) < least:
        there = len(codes.factor_names)
        raise UsageError(f"{piece.name} needs {least} factors that vary, and there are {there}")
    found = call(piece, codes, seed=seed, **settings)
    if not isinstance(found, Mapping) or not found:
        what = f"it must return numbers by name, not {type(found).__name__}"
        raise UsageError(wrong(piece, what))
    numbers: dict[str, float] = {}
    for key, value in cast("Mapping[object, object]", found).items():
        name = _name(piece, str(key))
        try:
            numbers[name] = float(cast("Any", value))
        except (TypeError, ValueError) as error:
            what = f"'{key}' must be a number, not {type(value).__name__}"
            raise UsageError(wrong(piece, what)) from error
    return numbers


def _name(piece: Piece, key: str) -> str:
    """Return the name of a number: one that is not the main one stands beneath the score's."""
    is_own = key == piece.name or key.startswith(f"{piece.name}/")
    return key if is_own else f"{piece.name}/{key}"


def description_of(piece: Piece) -> dict[str, str | None]:
    """Return what is kept beside the numbers of an own score, so that others can show them."""
    return {"title": piece.options["title"], "better": piece.options["better"]}


def describe_score(family: str, title: str, better: str | None) -> None:
    """Let tables and figures show an own score, and the numbers beneath it, by its title."""
    known = better if better in ("higher", "lower") else None
    name = f"scores/<codes>/{family}"
    describe(Quantity(name, title, title, "", known, family))
    describe(Quantity(f"{name}/<part>", f"{title}, <part>", f"{title}, <part>", family=family))
