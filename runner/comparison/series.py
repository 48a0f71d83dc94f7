"""Which cells of a comparison belong on one line, one scale and one panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner.comparison.cells import Cell, Comparison
from runner.comparison.chart import Style, style
from runner.comparison.names import short_names, value_text

_OBJECTIVE = "objective.name"
_DATASET = "dataset.name"
_KNOBS = ("beta", "gamma", "alpha")
_GREEK = {
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "beta": "\N{GREEK SMALL LETTER BETA}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
}


@dataclass(frozen=True)
class Series:
    """Cells of a dataset that differ in one knob alone, in its order."""

    name: str
    style: Style
    cells: Sequence[Cell]

    def on_scale(self, knob: str | None) -> list[Cell]:
        """Return the cells that have a value of the knob."""
        return [] if knob is None else [c for c in self.cells if is_number(c.settings[knob])]


def is_number(value: object) -> bool:
    """Whether a setting has a place on a scale."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric_settings(cells: Sequence[Cell], by: Sequence[str]) -> list[str]:
    """Return the settings with two numbers or more, the weights of the terms first."""
    known = [*(name for name in _KNOBS if name in by), *(name for name in by if name != "seed")]
    return [
        name
        for name in dict.fromkeys(known)
        if len({cell.settings[name] for cell in cells if is_number(cell.settings[name])}) > 1
    ]


def main_knob(comparison: Comparison) -> str | None:
    """Return the number that varies within a family, or None where none does."""
    by = comparison.by
    found = {n for cells in families(comparison).values() for n in numeric_settings(cells, by)}
    return next((name for name in numeric_settings(comparison.cells, by) if name in found), None)


def by_dataset(comparison: Comparison) -> dict[str, list[Cell]]:
    """Return the cells of each dataset; figures of different data are not on one scale."""
    found: dict[str, list[Cell]] = {}
    for cell in comparison.cells:
        names = sorted({str(run.settings.get(_DATASET, "")) for run in cell.runs})
        found.setdefault(" + ".join(names), []).append(cell)
    return found


def family_key(comparison: Comparison) -> str | None:
    """Return what colours stand for: the objective where it varies, or else another choice."""
    names = [name for name in comparison.by if name != _DATASET]
    varying = [n for n in names if len({cell.settings[n] for cell in comparison.cells}) > 1]
    scales = numeric_settings(comparison.cells, varying)
    choices = [name for name in varying if name not in scales]
    if _OBJECTIVE in names and (_OBJECTIVE in choices or not choices):
        return _OBJECTIVE
    return next(iter(choices), None)


def families(comparison: Comparison, cells: Sequence[Cell] | None = None) -> dict[str, list[Cell]]:
    """Return all cells, or some of a comparison, by what their colour stands for."""
    key = family_key(comparison)
    found: dict[str, list[Cell]] = {}
    for cell in comparison.cells if cells is None else cells:
        found.setdefault("" if key is None else value_text(cell.settings[key]), []).append(cell)
    return found


def setting_words(by: Sequence[str], name: str, value: object) -> str:
    """Return a setting in short: ``β 4``; a choice is its name alone."""
    text = value_text(value)
    if isinstance(value, str) and name.endswith(".name"):
        return text
    if is_number(value):
        text = text.replace("-", "\N{MINUS SIGN}")
    return f"{knob_words(by, name)} {text}"


def knob_words(by: Sequence[str], name: str) -> str:
    """Return the name of a setting as figures have it: ``β``, ``learning rate``."""
    return _GREEK.get(name, short_names(by)[name].replace("_", " "))


def name_of(cell: Cell, by: Sequence[str], named: Sequence[str]) -> str:
    """Return what some settings of a cell are."""
    words = [
        setting_words(by, name, cell.settings[name])
        for name in named
        if cell.settings[name] is not None
    ]
    return "  ".join(words) or "all runs"


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


def told_apart(comparison: Comparison, cells: Sequence[Cell]) -> list[str]:
    """Return the settings that tell cells of a family apart, and the family from others."""
    key = family_key(comparison)
    return [
        name
        for name in comparison.by
        if name != _DATASET and (name == key or len({cell.settings[name] for cell in cells}) > 1)
    ]


def among(series: Sequence[Series], cells: Sequence[Cell]) -> list[Series]:
    """Return the part of each line that goes through these cells."""
    ids = {id(cell) for cell in cells}
    parts = [replace(s, cells=[cell for cell in s.cells if id(cell) in ids]) for s in series]
    return [part for part in parts if part.cells]


def _place(cell: Cell, knob: str | None) -> float:
    """Return where a cell stands on the scale of the knob; one without a value comes first."""
    value = None if knob is None else cell.settings[knob]
    return float(value) if isinstance(value, int | float) else float("-inf")
