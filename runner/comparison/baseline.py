"""Which cell the others are held against, and the differences from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import choose_setting, value_text
from runner.comparison.statistics import Difference, difference
from runner.errors import UsageError, nearest

_COMMA = re.compile(r",(?![^\[(]*[\])])")
"""A comma that is not inside of brackets."""

Baselines = Mapping[tuple[str, ...], Configuration]
"""Dataset → the cell that others of the same dataset are held against."""


def datasets(configuration: Configuration) -> tuple[str, ...]:
    """Return the datasets of a cell's runs: one, unless they are pooled."""
    return tuple(dict.fromkeys(str(run.settings.get("dataset.name")) for run in configuration.runs))


def choose_baselines(comparison: Comparison, against: str | None) -> Baselines:
    """Return the baseline of each dataset: figures of different images are not compared.

    Args:
        comparison: whose cells.
        against: a label, or settings such as ``objective=beta_vae,beta=4``; None: the first cells.

    Raises: UsageError when it means no cell, or several of one dataset.
    """
    meant = comparison.configurations if against is None else _meant(comparison, against)
    found: dict[tuple[str, ...], Configuration] = {}
    for configuration in meant:
        other = found.setdefault(datasets(configuration), configuration)
        if other is not configuration and against is not None:
            one, two = (" ".join(each.label.split()) for each in (other, configuration))
            raise UsageError(f"--against '{against}' may be '{one}' or '{two}'")
    return found


def differences(comparison: Comparison, baselines: Baselines) -> list[Difference]:
    """Return the differences of all cells from their baseline, metric by metric."""
    pairs = [
        (configuration, baselines.get(datasets(configuration)))
        for configuration in comparison.configurations
    ]
    return [
        difference(configuration, baseline, metric)
        for metric in comparison.metrics
        for configuration, baseline in pairs
        if baseline is not None and baseline is not configuration
    ]


def _meant(comparison: Comparison, against: str) -> Sequence[Configuration]:
    labels = {
        " ".join(configuration.label.split()): configuration
        for configuration in comparison.configurations
    }
    if (words := " ".join(against.split())) in labels:
        return [labels[words]]
    if "=" not in against:
        hint = nearest(words, labels) or f"such as --against '{next(iter(labels))}'"
        raise UsageError(f"no cell is called '{against}'", hint)
    wanted = [_condition(part, comparison) for part in _COMMA.split(against)]
    configurations = list(comparison.configurations)
    for key, text in wanted:
        kept = [
            configuration
            for configuration in configurations
            if _is(configuration.settings[key], text)
        ]
        if not kept:
            values = dict.fromkeys(
                value_text(configuration.settings[key]) for configuration in configurations
            )
            known = [value for value in values if value]
            hint = nearest(text, known) or f"there: {', '.join(known)}"
            raise UsageError(f"--against '{against}': no cell has {key}={text}", hint)
        configurations = kept
    return configurations


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
