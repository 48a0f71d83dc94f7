"""Which cells of a comparison belong on one line, one scale and one panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.grouping import distinguishing_settings, families, is_number, name_of
from runner.figures.chart import Style, style


@dataclass(frozen=True)
class Series:
    """Cells of a dataset that differ in one knob alone, in its order."""

    name: str
    style: Style
    configurations: Sequence[Configuration]

    def on_scale(self, hyperparameter: str | None) -> list[Configuration]:
        """Return the cells that have a value of the knob."""
        return (
            []
            if hyperparameter is None
            else [c for c in self.configurations if is_number(c.settings[hyperparameter])]
        )


def lines(comparison: Comparison, hyperparameter: str | None) -> list[Series]:
    """Return the lines through the cells of a comparison, over all datasets.

    A line is named by its family, and by what else varies within it.
    """
    found: list[Series] = []
    for place, configurations in enumerate(families(comparison).values()):
        named = [
            name
            for name in distinguishing_settings(comparison, configurations)
            if name != hyperparameter
        ]
        members: dict[str, list[Configuration]] = {}
        for configuration in sorted(
            configurations, key=lambda configuration: _place(configuration, hyperparameter)
        ):
            members.setdefault(name_of(configuration, comparison.by, named), []).append(
                configuration
            )
        ordered = sorted(
            members, key=lambda name: comparison.configurations.index(members[name][0])
        )
        found += [
            Series(name, style(place, i, len(members)), members[name])
            for i, name in enumerate(ordered)
        ]
    return found


def among(series: Sequence[Series], configurations: Sequence[Configuration]) -> list[Series]:
    """Return the part of each line that goes through these cells."""
    ids = {id(configuration) for configuration in configurations}
    parts = [
        replace(
            s,
            configurations=[
                configuration for configuration in s.configurations if id(configuration) in ids
            ],
        )
        for s in series
    ]
    return [part for part in parts if part.configurations]


def _place(configuration: Configuration, hyperparameter: str | None) -> float:
    """Return where a cell stands on the scale of the knob; one without a value comes first."""
    value = None if hyperparameter is None else configuration.settings[hyperparameter]
    return float(value) if isinstance(value, int | float) else float("-inf")
