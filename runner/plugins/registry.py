"""The own pieces that the settings at hand may use: those of the plugins that they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.errors import UsageError
from runner.plugins.loading import Plugin
from runner.plugins.pieces import Piece

_active: list[Plugin] = []


def active() -> tuple[Plugin, ...]:
    """Return the plugins of the settings at hand."""
    return tuple(_active)


def activate(plugins: Sequence[Plugin]) -> None:
    """Let the pieces of these plugins be found from now on, and no others.

    Raises: UsageError where two of them add pieces of one kind and name.
    """
    seen: dict[tuple[str, str], Piece] = {}
    for piece_ in (each for plugin in plugins for each in plugin.pieces):
        other = seen.setdefault((piece_.kind, piece_.name), piece_)
        if other is not piece_:
            message = f"{piece_.place}: {piece_.title} is added by '{other.place.file}' as well"
            raise UsageError(message, "one of the two needs another name")
    _active[:] = plugins


def pieces(kind: str) -> Mapping[str, Piece]:
    """Return the active pieces of a kind by name, in the order in which they were added."""
    every = (each for plugin in _active for each in plugin.pieces)
    return {each.name: each for each in every if each.kind == kind}


def piece(kind: str, name: str) -> Piece | None:
    """Return the active piece of a kind and name, or None where there is none."""
    return pieces(kind).get(name)
