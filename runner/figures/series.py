"""Which cells of a comparison belong on one line, one scale and one panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner.comparison.configurations import Cell, Comparison
from runner.comparison.grouping import families, is_number, name_of, told_apart
from runner.figures.chart import Style, style


@dataclass(frozen=True)
class Series:
    """Cells of a dataset that differ in one knob alone, in its order."""

    name: str
    style: Style
    cells: Sequence[Cell]

    def on_scale(self, knob: str | None) -> list[Cell]:
        """Return the cells that have a value of the knob."""
        return [] if knob is None else [c for c in self.cells if is_number(c.settings[knob])]


def lines(comparison: Comparison, knob: str | None) -> list[Series]:
    """Return the lines through the cells of a comparison, over all datasets.

    A line is named by its family, and by what else varies within it.
    """
    found: list[Series] = []
    for place, cells in enumerate(families(comparison).values()):
        named = [name for name in told_apart(comparison, cells) if name != knob]
        members: dict[str, list[Cell]] = {}
        for cell in sorted(cells, key=lambda cell: _place(cell, knob)):
            members.setdefault(name_of(cell, comparison.by, named), []).append(cell)
        ordered = sorted(members, key=lambda name: comparison.cells.index(members[name][0]))
        found += [
            Series(name, style(place, i, len(members)), members[name])
            for i, name in enumerate(ordered)
        ]
    return found


def among(series: Sequence[Series], cells: Sequence[Cell]) -> list[Series]:
    """Return the part of each line that goes through these cells."""
    ids = {id(cell) for cell in cells}
    parts = [replace(s, cells=[cell for cell in s.cells if id(cell) in ids]) for s in series]
    return [part for part in parts if part.cells]


def _place(cell: Cell, knob: str | None) -> float:
    """Return where a cell stands on the scale of the knob; one without a value comes first."""
    value = None if knob is None else cell.settings[knob]
    return float(value) if isinstance(value, int | float) else float("-inf")
