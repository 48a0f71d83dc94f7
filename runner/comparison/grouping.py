"""Which configurations of a comparison belong on one line, one scale and one panel."""

from __future__ import annotations

from collections.abc import Sequence

from runner.comparison.configurations import Comparison, Configuration
from runner.comparison.names import short_names, value_text

_OBJECTIVE = "objective.name"


_DATASET = "dataset.name"


_WEIGHT_NAMES = ("beta", "gamma", "alpha")


_GREEK = {
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "beta": "\N{GREEK SMALL LETTER BETA}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
}


def is_number(value: object) -> bool:
    """Whether a setting has a place on a scale."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric_settings(configurations: Sequence[Configuration], by: Sequence[str]) -> list[str]:
    """Return the settings with two numbers or more, the weights of the terms first."""
    known = [
        *(name for name in _WEIGHT_NAMES if name in by),
        *(name for name in by if name != "seed"),
    ]
    return [
        name
        for name in dict.fromkeys(known)
        if len(
            {
                configuration.settings[name]
                for configuration in configurations
                if is_number(configuration.settings[name])
            }
        )
        > 1
    ]


def main_hyperparameter(comparison: Comparison) -> str | None:
    """Return the number that varies within a family, or None where none does."""
    by = comparison.by
    found = {
        n
        for configurations in families(comparison).values()
        for n in numeric_settings(configurations, by)
    }
    return next(
        (name for name in numeric_settings(comparison.configurations, by) if name in found), None
    )


def by_dataset(comparison: Comparison) -> dict[str, list[Configuration]]:
    """Return the cells of each dataset; figures of different data are not on one scale."""
    found: dict[str, list[Configuration]] = {}
    for configuration in comparison.configurations:
        names = sorted({str(run.settings.get(_DATASET, "")) for run in configuration.runs})
        found.setdefault(" + ".join(names), []).append(configuration)
    return found


def family_key(comparison: Comparison) -> str | None:
    """Return what colours stand for: the objective where it varies, or else another choice."""
    names = [name for name in comparison.by if name != _DATASET]
    varying = [
        n
        for n in names
        if len({configuration.settings[n] for configuration in comparison.configurations}) > 1
    ]
    scales = numeric_settings(comparison.configurations, varying)
    choices = [name for name in varying if name not in scales]
    if _OBJECTIVE in names and (_OBJECTIVE in choices or not choices):
        return _OBJECTIVE
    return next(iter(choices), None)


def families(
    comparison: Comparison, configurations: Sequence[Configuration] | None = None
) -> dict[str, list[Configuration]]:
    """Return all cells, or some of a comparison, by what their colour stands for."""
    key = family_key(comparison)
    found: dict[str, list[Configuration]] = {}
    for configuration in comparison.configurations if configurations is None else configurations:
        found.setdefault("" if key is None else value_text(configuration.settings[key]), []).append(
            configuration
        )
    return found


def setting_words(by: Sequence[str], name: str, value: object) -> str:
    """Return a setting in short: ``β 4``; a choice is its name alone."""
    text = value_text(value)
    if isinstance(value, str) and name.endswith(".name"):
        return text
    if is_number(value):
        text = text.replace("-", "\N{MINUS SIGN}")
    return f"{hyperparameter_title(by, name)} {text}"


def hyperparameter_title(by: Sequence[str], name: str) -> str:
    """Return the name of a setting as figures have it: ``β``, ``learning rate``."""
    return _GREEK.get(name, short_names(by)[name].replace("_", " "))


def name_of(configuration: Configuration, by: Sequence[str], named: Sequence[str]) -> str:
    """Return what some settings of a cell are."""
    words = [
        setting_words(by, name, configuration.settings[name])
        for name in named
        if configuration.settings[name] is not None
    ]
    return "  ".join(words) or "all runs"


def distinguishing_settings(
    comparison: Comparison, configurations: Sequence[Configuration]
) -> list[str]:
    """Return the settings that tell cells of a family apart, and the family from others."""
    key = family_key(comparison)
    return [
        name
        for name in comparison.by
        if name != _DATASET
        and (
            name == key
            or len({configuration.settings[name] for configuration in configurations}) > 1
        )
    ]
