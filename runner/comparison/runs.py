"""Run folders as a comparison sees them: settings and figures by flat names.

Names and texts from the files have their control characters as escapes, so that all that shows
them, in a table, a figure or a page, shows them so.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml

from runner import progress
from runner.config.composition import ORIGIN
from runner.config.tree import is_schedule, leaves
from runner.config.yaml_text import reason, refuse_unusual
from runner.errors import UsageError
from runner.metric import describe_score
from runner.metric.quantities import TRAINING_ESTIMATE
from runner.store.find_runs import runs_beneath
from runner.store.run_folder import RunFolder
from runner.store.scores_file import read_scores
from runner.store.shown_text import escaped

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C, ten times as fast, where PyYAML was built with it."""

_FIGURES = ("elbo", "rate", "terms", "information", "scores", "distances", "classification",
            "validation")  # fmt: skip
"""What of ``summary.json`` is a result; the rest says how it was counted."""

_ERROR = "/standard_error"
"""End of the name of a number that is the standard error of another, in older folders."""

_CONDITIONS = ("settings", "seed", "images", "plugin")
"""What of an entry of ``scores.json`` says how a score was computed."""

_TOP_LEVEL = re.compile(r"^(?=[A-Za-z_]\w*:)", re.MULTILINE)


@dataclass(frozen=True)
class Origin:
    """How the settings of a run were chosen, as ``config_unresolved.yaml`` says."""

    choices: Mapping[str, str | None]
    """Group of ``conf/`` → the name of its choice."""
    changed: frozenset[str]
    """Settings that are not as these choices bring them, by dotted names."""
    references: Mapping[str, str]
    """Settings that follow from others → the expression, such as ``${beta}``."""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The settings as they were composed: a run that went on may have changed some."""


@dataclass(frozen=True)
class ComparedRun:
    """One run: what was asked for, what came of it, and how far it got."""

    path: Path
    state: str
    error: str | None
    settings: Mapping[str, Any]
    """By dotted names, ``objective.name`` or ``beta``; a list is a tuple, a schedule its text."""
    metrics: Mapping[str, float]
    """Finite figures by name: ``elbo``, ``terms/reconstruction``, ``scores/mean/mig``."""
    errors: Mapping[str, float] = field(default_factory=dict[str, float])
    """The standard error of a figure, of those that have one."""
    warnings: tuple[str, ...] = ()
    """A sentence on each estimate that cannot be true."""
    conditions: Mapping[str, str] = field(default_factory=dict[str, str])
    """How each score of ``scores.json`` was computed; what differs here is not comparable."""
    origin: Origin | None = None
    """None for a run whose folder does not have ``config_unresolved.yaml``."""
    version: str | None = None
    """The version of vaerun that wrote the run, where that is known."""
    status: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What its ``status.json`` says."""

    @property
    def seed(self) -> int:
        """The seed; runs that differ in it alone are repetitions."""
        return int(self.settings.get("seed", 0))


def read_runs(paths: Sequence[Path]) -> list[ComparedRun]:
    """Return the runs that are named or lie beneath a folder that is, each once, in natural order.

    Raises: UsageError where there is none, or the settings of one are not as they should be;
        DataError where another file of one is corrupt.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for run in runs_beneath(path):
            found.setdefault(run.resolve(), run)
    every = progress.counted(found.values(), "reading", len(found))
    return [read_run(path) for path in every]


def setting_value(value: object) -> object:
    """Return a setting as something that can be compared, hashed and shown."""
    if isinstance(value, list | tuple):
        return tuple(setting_value(item) for item in cast("list[object]", value))
    if not isinstance(value, Mapping):
        is_number = value is None or isinstance(value, bool | int)
        is_number = is_number or (isinstance(value, float) and math.isfinite(value))
        return value if is_number else escaped(str(value))  # a text, a date, infinity
    entries = cast("Mapping[str, Any]", value)
    if is_schedule(entries):
        ((shape, ends),) = entries.items()
        if isinstance(ends, Mapping):
            pairs = cast("Mapping[str, Any]", ends).items()
            texts = (f"{k} {v:g}" if isinstance(v, int | float) else f"{k} {v}" for k, v in pairs)
            return escaped(f"{shape}({', '.join(texts)})")
    inside = ", ".join(f"{name}: {setting_value(item)}" for name, item in entries.items())
    return escaped(f"{{{inside}}}")


def read_run(path: Path) -> ComparedRun:
    """Return the run of a folder.

    Raises: UsageError or DataError, as :func:`read_runs`.
    """
    folder = RunFolder(path)
    status = folder.read_status()
    error = status.get("error")
    version = (status.get("versions") or {}).get("vaerun")
    summary = folder.read_summary()
    settings = _settings(path / "config.yaml", folder.read_config())
    seed = settings.get("seed", 0)
    if not isinstance(seed, int):
        raise UsageError(f"'{path / 'config.yaml'}': seed must be a whole number, got {seed!r}")
    scores = _scores(folder, summary.get("step"))
    figures = dict(_figures(summary)) | scores.numbers
    return ComparedRun(
        path,
        escaped(status.get("state") or "never begun"),
        None if error is None else escaped(error),
        settings,
        figures,
        _errors(summary, figures, scores.errors),
        tuple(escaped(sentence) for sentence in summary.get("warnings", ())),
        scores.conditions,
        _origin(folder),
        None if version is None else escaped(version),
        status,
    )


def _figures(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield (name, number) of the results in a summary."""
    yield from _numbers({name: summary[name] for name in _FIGURES if name in summary}, "")
    estimate: Mapping[str, Any] = summary.get("training_estimate") or {}
    yield from _numbers({"terms": estimate.get("terms", {})}, TRAINING_ESTIMATE)


def _errors(
    summary: Mapping[str, Any], figures: Mapping[str, float], of_scores: Mapping[str, float]
) -> dict[str, float]:
    """Return the standard errors of figures, by the names of these."""
    estimate: Mapping[str, Any] = summary.get("training_estimate") or {}
    found = dict(_numbers(summary.get("standard_errors", {}), ""))
    found |= dict(_numbers(estimate.get("standard_errors", {}), TRAINING_ESTIMATE))
    found |= of_scores
    return {name: error for name, error in found.items() if name in figures}


def _origin(folder: RunFolder) -> Origin | None:
    """Return how the settings of a run were chosen, or None where its folder does not say."""
    text = folder.read_unresolved()
    if text is None:
        return None
    path = folder.path / "config_unresolved.yaml"
    found = _settings(path, text)
    prefix = f"{ORIGIN}.choices."
    choices = {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}
    changed = found.get(f"{ORIGIN}.changed")
    if not choices or not isinstance(changed, tuple):
        raise UsageError(f"'{path}' does not say what was chosen", "vaerun does without: delete it")
    references = {
        key: str(value)
        for key, value in found.items()
        if "${" in str(value) and not key.startswith(f"{ORIGIN}.")
    }
    composed = {key: value for key, value in found.items() if not key.startswith(f"{ORIGIN}.")}
    return Origin(choices, frozenset(cast("tuple[str, ...]", changed)), references, composed)


def _settings(path: Path, text: str) -> dict[str, Any]:
    """Return a file of settings by dotted names.

    Its parts are read one by one, and each text only once: the runs of a grid share most of them.
    """
    parts = [part for part in _TOP_LEVEL.split(text) if part.strip()]
    try:
        return {key: value for part in parts for key, value in _part(part)}
    except UsageError:
        refuse_unusual(text, f"'{path}'")  # this names the line
        raise UsageError(f"'{path}' is not the settings of a run") from None
    except (yaml.YAMLError, ValueError) as error:
        line = reason(error) if isinstance(error, yaml.YAMLError) else str(error)
        raise UsageError(f"'{path}' is not YAML: {line}") from error


@lru_cache(maxsize=4096)
def _part(text: str) -> tuple[tuple[str, Any], ...]:
    """Return the settings of one part of a ``config.yaml``.

    Raises: UsageError when it is something other than settings; YAMLError and ValueError where
        a value cannot be read.
    """
    if all(line.startswith("#") for line in text.splitlines() if line.strip()):
        return ()
    refuse_unusual(text, "it")
    tree = yaml.load(text, Loader=_LOADER)  # a safe loader: it makes plain values alone
    named = leaves(cast("dict[str, Any]", tree))
    return tuple((escaped(key), setting_value(value)) for key, value in named)


@dataclass(frozen=True)
class _Scores:
    """The numbers of ``scores.json``, by their names in comparisons."""

    numbers: dict[str, float] = field(default_factory=dict[str, float])
    errors: dict[str, float] = field(default_factory=dict[str, float])
    conditions: dict[str, str] = field(default_factory=dict[str, str])
    """How each was computed."""


def _scores(folder: RunFolder, step: object) -> _Scores:
    """Return the scores of a step."""
    content, found = read_scores(folder.path / "scores.json"), _Scores()
    # Scores of an earlier step say nothing of the model that the summary is about.
    if content.get("of") != {"step": step}:
        return found
    for key, entry in content.get("scores", {}).items():
        kind, _, family = key.partition("/")  # of mean or sampled codes, or of the model
        if title := entry.get("title"):  # an own score, which no row of ours describes
            describe_score(escaped(family), escaped(title), entry.get("better"))
        condition = json.dumps(
            [entry.get(name) for name in _CONDITIONS if name in entry or name != "plugin"]
        )
        every = dict(_numbers(entry.get("scores", {}), f"scores/{kind}/"))
        numbers = {name: number for name, number in every.items() if not name.endswith(_ERROR)}
        found.numbers.update(numbers)
        found.errors.update(
            {name.removesuffix(_ERROR): every[name] for name in every.keys() - numbers.keys()}
        )
        found.errors.update(_numbers(entry.get("standard_errors", {}), f"scores/{kind}/"))
        found.conditions.update(dict.fromkeys(numbers, condition))
    return found


def _numbers(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Yield the finite numbers of a tree by their names, which ``/`` joins."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _numbers(cast("Mapping[str, Any]", value), f"{prefix}{name}/")
        elif isinstance(value, int | float) and math.isfinite(number := float(value)):
            yield escaped(f"{prefix}{name}"), number
