"""The number that a search optimises: where a run's folder has it, and which names there are.

A metric has the name that W&B shows it under: a number of the summary (``elbo``,
``terms/reconstruction``), a score (``scores/mean/mig``), or one of the records (``loss``,
``validation/elbo``), of which the last one counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from runner.config import RunConfig
from runner.errors import UsageError, VaerunError, nearest
from runner.grid.folder import GridFolder, RunState
from runner.grid.space import Search
from runner.metric.quantities import QUANTITIES
from runner.store.run_folder import RunFolder
from runner.store.scores_file import read_scores

_TERMS = ("reconstruction", "index_code_mi", "group_total_correlation",
          "within_group_total_correlation", "dimension_wise_kl")  # fmt: skip
_IN_RECORDS = (
    "loss", "rate", "images_per_second", "validation/elbo", "validation/loss",
    *(f"{where}terms/{term}" for where in ("", "validation/") for term in _TERMS),
)  # fmt: skip
_CODES = ("mean", "sampled")
_OPEN = ("information/", "levels/", "penalties/", "scheduled/", "distances/", "validation/",
         "scores/")  # fmt: skip
"""Beginnings of names of which not all are known before a run has been trained."""

_RECORDED = ("loss", "rate", "terms/", "levels/", "penalties/", "scheduled/", "validation/",
             "information/", "adversarial/", "images_per_second")  # fmt: skip
"""Beginnings of the names of records."""


@dataclass(frozen=True)
class Outcome:
    """How a run of a search is, and its number if it has ended with one."""

    state: RunState
    value: float | None = None


def outcomes(grid: GridFolder, search: Search) -> dict[int, Outcome]:
    """Return how each run of a search is."""
    return {number: outcome(grid, search, number) for number in range(len(grid.runs))}


def outcome(grid: GridFolder, search: Search, number: int) -> Outcome:
    """Return how a run is; only a finished one has a value."""
    state = grid.state(number)
    if state.state != "finished":
        return Outcome(state)
    return Outcome(state, value_of(RunFolder(grid.run_path(number)), search.metric.name))


def best(found: Mapping[int, Outcome], search: Search) -> list[int]:
    """Return the runs that have a value, the best first."""
    sign = -1 if search.metric.goal == "maximize" else 1
    valued = [(sign * o.value, number) for number, o in found.items() if o.value is not None]
    return [number for _, number in sorted(valued)]


def value_of(folder: RunFolder, name: str) -> float | None:
    """Return a number of a run's summary, scores or last records, or None where it has none."""
    try:
        found = next(_values(folder, name), None)
    except (VaerunError, OSError):  # what is corrupt has no value
        return None
    return float(found) if found is not None and math.isfinite(found) else None


def check_metric(search: Search, configs: Iterable[RunConfig]) -> None:
    """Refuse a metric that no run has, and one that is known too late to stop a run by.

    ``configs`` are settings of a few runs that between them have every value of the parameters.

    Raises: UsageError with the nearest name.
    """
    name = search.metric.name
    known = list(_known())
    is_open = name.startswith(_OPEN) and not _is_misspelt(name, known)
    if name not in known and not is_open:
        ends = [each for each in known if each.endswith(f"/{name}")]  # mig of scores/mean/mig
        hint = f"did you mean '{ends[0]}'?" if ends else nearest(name, known)
        usual = "such as elbo, loss, validation/elbo or scores/mean/mig"
        raise UsageError(f"no run has the metric '{name}'", hint or usual)
    if search.early_terminate is not None and not name.startswith(_RECORDED):
        message = f"early_terminate cannot go by '{name}', which is known at the end of a run"
        raise UsageError(message, "a metric of the records, such as validation/elbo or loss")
    _require_computed(name, list(configs))


def _require_computed(name: str, configs: Sequence[RunConfig]) -> None:
    """Refuse a metric that the settings leave out."""
    if name.startswith("validation/"):
        every = (getattr(getattr(each, "validation", None), "every", None) for each in configs)
        if not any(every):
            raise UsageError(f"'{name}' is computed with validation.every", "validation.every=100")
    if name.startswith("scores/") and name.count("/") > 1:
        score = name.split("/")[2]
        if not any(getattr(each.metrics, score, True) for each in configs):
            chosen = f"metrics={configs[0].metrics.name}"
            raise UsageError(f"'{name}' is not computed with {chosen}", "vaerun list metrics")


def _is_misspelt(name: str, known: list[str]) -> bool:
    """Return whether a name is of a family whose names are all known, and not among them."""
    return name.startswith(("terms/", "validation/terms/")) and name not in known


def _known() -> Iterator[str]:
    yield from ("elbo", *_IN_RECORDS)
    for quantity in QUANTITIES:
        for codes in _CODES:
            name = quantity.name.replace("<codes>", codes)
            if "<" not in name:
                yield name


def _values(folder: RunFolder, name: str) -> Iterator[float]:
    node: Any = folder.read_summary()
    for part in name.split("/"):
        node = cast("dict[str, Any]", node).get(part) if isinstance(node, dict) else None
    if isinstance(node, (int, float)):
        yield node
    if name.startswith("scores/"):
        codes, _, rest = name.removeprefix("scores/").partition("/")
        for key, entry in read_scores(folder.path / "scores.json").get("scores", {}).items():
            number = entry.get("scores", {}).get(rest)
            if key.startswith(f"{codes}/") and number is not None:
                yield number
    last = None
    for record in folder.iterate_records():
        last = record.get(name, last)
    if last is not None:
        yield last
