"""The baseline configuration of each dataset, and the differences of the others from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import choose_setting, value_text
from runner.comparison.statistics import Difference, difference
from runner.errors import UsageError, nearest

_COMMA = re.compile(r",(?![^\[(]*[\])])")
"""A comma outside of brackets."""

Baselines = Mapping[tuple[str, ...], Configuration]
"""Dataset → its baseline."""


def choose_baselines(comparison: Comparison, against: str | None) -> Baselines:
    """Return the baseline of each dataset: metrics of different datasets are not compared.

    Args:
        comparison: all configurations.
        against: a configuration's label, or settings such as ``objective=beta_vae,beta=4``; None:
            the first configuration of each dataset.

    Raises: UsageError when no configuration fits, or several of one dataset do.
    """
    meant = comparison.configurations if against is None else _meant(comparison, against)
    found: dict[tuple[str, ...], Configuration] = {}
    for configuration in meant:
        other = found.setdefault(configuration.datasets, configuration)
        if other is not configuration and against is not None:
            one, two = (" ".join(each.label.split()) for each in (other, configuration))
            raise UsageError(f"--against '{against}' may be '{one}' or '{two}'")
    return found


def differences(comparison: Comparison, baselines: Baselines) -> list[Difference]:
    """Return the difference of every configuration from its baseline, metric by metric."""
    pairs = [
        (configuration, baselines.get(configuration.datasets))
        for configuration in comparison.configurations
    ]
    return [
        difference(configuration, baseline, metric)
        for metric in comparison.metrics
        for configuration, baseline in pairs
        if baseline is not None and baseline is not configuration
    ]


def _meant(comparison: Comparison, against: str) -> Sequence[Configuration]:
    """Return the configurations that a label or a list of settings fits."""
    labels = {" ".join(each.label.split()): each for each in comparison.configurations}
    if (label := " ".join(against.split())) in labels:
        return [labels[label]]
    if "=" not in against:
        hint = nearest(label, labels) or f"such as --against '{next(iter(labels))}'"
        raise UsageError(f"no configuration is called '{against}'", hint)
    found = list(comparison.configurations)
    for key, text in [_condition(part, comparison) for part in _COMMA.split(against)]:
        kept = [each for each in found if _is(each.settings[key], text)]
        if not kept:
            values = dict.fromkeys(value_text(each.settings[key]) for each in found)
            known = [value for value in values if value]
            hint = nearest(text, known) or f"there: {', '.join(known)}"
            raise UsageError(f"--against '{against}': no configuration has {key}={text}", hint)
        found = kept
    return found


def _condition(part: str, comparison: Comparison) -> tuple[str, str]:
    """Return (dotted setting, value) of ``beta=4``."""
    name, equals, text = part.strip().partition("=")
    if not equals:
        raise UsageError(f"cannot read --against '{part}'", "such as objective=beta_vae,beta=4")
    try:
        return choose_setting(name, comparison.by, comparison.by), text
    except UsageError as error:
        known = ", ".join(comparison.by)
        raise UsageError(f"these configurations do not differ in '{name}'", known) from error


def _is(value: object, text: str) -> bool:
    """Return whether a setting has the value that a text means, as it is shown or as YAML."""
    if value_text(value) == text:
        return True
    try:
        return value is not None and yaml.safe_load(text) == value
    except yaml.YAMLError:
        return False
