"""Which cell the others are held against, and the differences from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from runner.comparison.configurations import Cell, Comparison
from runner.comparison.names import choose_setting, value_text
from runner.comparison.statistics import Difference, difference
from runner.errors import UsageError, nearest

_COMMA = re.compile(r",(?![^\[(]*[\])])")
"""A comma that is not inside of brackets."""

Baselines = Mapping[tuple[str, ...], Cell]
"""Dataset → the cell that others of the same dataset are held against."""


def datasets(cell: Cell) -> tuple[str, ...]:
    """Return the datasets of a cell's runs: one, unless they are pooled."""
    return tuple(dict.fromkeys(str(run.settings.get("dataset.name")) for run in cell.runs))


def choose_baselines(comparison: Comparison, against: str | None) -> Baselines:
    """Return the baseline of each dataset: figures of different images are not compared.

    Args:
        comparison: whose cells.
        against: a label, or settings such as ``objective=beta_vae,beta=4``; None: the first cells.

    Raises: UsageError when it means no cell, or several of one dataset.
    """
    meant = comparison.cells if against is None else _meant(comparison, against)
    found: dict[tuple[str, ...], Cell] = {}
    for cell in meant:
        other = found.setdefault(datasets(cell), cell)
        if other is not cell and against is not None:
            one, two = (" ".join(each.label.split()) for each in (other, cell))
            raise UsageError(f"--against '{against}' may be '{one}' or '{two}'")
    return found


def differences(comparison: Comparison, baselines: Baselines) -> list[Difference]:
    """Return the differences of all cells from their baseline, metric by metric."""
    pairs = [(cell, baselines.get(datasets(cell))) for cell in comparison.cells]
    return [
        difference(cell, baseline, metric)
        for metric in comparison.metrics
        for cell, baseline in pairs
        if baseline is not None and baseline is not cell
    ]


def _meant(comparison: Comparison, against: str) -> Sequence[Cell]:
    labels = {" ".join(cell.label.split()): cell for cell in comparison.cells}
    if (words := " ".join(against.split())) in labels:
        return [labels[words]]
    if "=" not in against:
        hint = nearest(words, labels) or f"such as --against '{next(iter(labels))}'"
        raise UsageError(f"no cell is called '{against}'", hint)
    wanted = [_condition(part, comparison) for part in _COMMA.split(against)]
    cells = list(comparison.cells)
    for key, text in wanted:
        kept = [cell for cell in cells if _is(cell.settings[key], text)]
        if not kept:
            values = dict.fromkeys(value_text(cell.settings[key]) for cell in cells)
            known = [value for value in values if value]
            hint = nearest(text, known) or f"there: {', '.join(known)}"
            raise UsageError(f"--against '{against}': no cell has {key}={text}", hint)
        cells = kept
    return cells


def _condition(part: str, comparison: Comparison) -> tuple[str, str]:
    word, equals, text = part.strip().partition("=")
    if not equals:
        raise UsageError(f"cannot read --against '{part}'", "such as objective=beta_vae,beta=4")
    try:
        return choose_setting(word, comparison.by, comparison.by), text
    except UsageError as error:
        known = ", ".join(comparison.by)
        raise UsageError(f"no setting '{word}' tells these cells apart", known) from error


def _is(value: object, text: str) -> bool:
    """Return whether a setting's value is what a word says, as shown or as YAML."""
    if value_text(value) == text:
        return True
    try:
        return value is not None and yaml.safe_load(text) == value
    except yaml.YAMLError:
        return False
