"""Lines through the configurations of a comparison: which belong together, and how they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import distinguishing_settings, families, is_number, name_of
from runner.figures.page import room
from runner.figures.style import COLOURS, INK, wrap

_COLOURS = (*COLOURS, "#832db6", INK, "#a96b59", "#b9ac70")
"""Okabe and Ito's palette, and three colours of Petroff 2021."""

_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "p", "h", "d")
"""One after the other, so that lines are told apart in grey as well."""

_PALEST = 0.5
"""How much of its colour the palest line of a family keeps."""

_BESIDE = 1000
"""Pixels of a page that has room for a legend beside panels."""

_NAME_WIDTH = 380
"""Pixels of a line of a legend."""


@dataclass(frozen=True)
class Series:
    """Configurations that differ in one hyperparameter alone, in its order."""

    name: str
    colour: tuple[float, float, float]
    marker: str
    configurations: Sequence[Configuration]

    @property
    def look(self) -> dict[str, Any]:
        """Colour and marker, as Matplotlib takes them."""
        return {"color": self.colour, "marker": self.marker}

    def on_scale(self, hyperparameter: str | None) -> list[Configuration]:
        """Return the configurations that have a value of the hyperparameter."""
        if hyperparameter is None:
            return []
        return [c for c in self.configurations if is_number(c.settings[hyperparameter])]


def lines(comparison: Comparison, hyperparameter: str | None) -> list[Series]:
    """Return the lines through the configurations of a comparison, over all datasets.

    A line is named by its family, and by what else varies within it.
    """
    found: list[Series] = []
    for family, configurations in enumerate(families(comparison).values()):
        settings = distinguishing_settings(comparison, configurations)
        named = [setting for setting in settings if setting != hyperparameter]
        members: dict[str, list[Configuration]] = {}
        for configuration in configurations:
            name = name_of(configuration, comparison.by, named)
            members.setdefault(name, []).append(configuration)
        for i, (name, part) in enumerate(members.items()):
            ordered = sorted(part, key=lambda c: _value(c, hyperparameter))
            marker = _MARKERS[len(found) % len(_MARKERS)]
            found.append(Series(name, _colour(family, i, len(members)), marker, ordered))
    return found


def among(series: Sequence[Series], configurations: Sequence[Configuration]) -> list[Series]:
    """Return the part of each line that goes through these configurations."""
    ids = {id(configuration) for configuration in configurations}
    parts = [
        replace(each, configurations=[c for c in each.configurations if id(c) in ids])
        for each in series
    ]
    return [part for part in parts if part.configurations]


def draw_legend(
    figure: Figure, series: Sequence[Series], others: Mapping[str, Line2D] | None = None
) -> None:
    """Name the lines on the right of all panels, or below them on a narrow page."""
    handles = {each.name: Line2D([], [], **each.look) for each in series} | dict(others or {})
    below = room(_BESIDE) < _BESIDE
    names = [wrap(name, room(_NAME_WIDTH) - 60 if below else _NAME_WIDTH) for name in handles]
    place = "outside lower left" if below else "outside right upper"
    figure.legend(list(handles.values()), names, loc=place)


def _colour(family: int, member: int, members: int) -> tuple[float, float, float]:
    """Return a colour: families differ in colour, members of a family in shade."""
    share = 1 if members == 1 else _PALEST + (1 - _PALEST) * member / (members - 1)
    red, green, blue = (1 - share * (1 - c) for c in to_rgb(_COLOURS[family % len(_COLOURS)]))
    return red, green, blue


def _value(configuration: Configuration, hyperparameter: str | None) -> float:
    """Return the value of the hyperparameter; configurations without one come first."""
    value = None if hyperparameter is None else configuration.settings[hyperparameter]
    return float(value) if isinstance(value, int | float) else float("-inf")
