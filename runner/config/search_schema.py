"""The typed settings of ``conf/search/``: how the runs of a search are chosen."""

# ruff: noqa: UP045 - OmegaConf reads Optional, not a union with None

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from runner.config.rule import Rule

_MOST_TRIALS = 100_000


@dataclass
class SearchConfig:
    """What every search has."""

    name: str
    trials: Optional[int]
    seed: int


@dataclass
class RandomSearchConfig(SearchConfig):
    """Settings drawn at random."""


@dataclass
class BayesSearchConfig(SearchConfig):
    """Settings that build on the runs before."""

    startup: int


SEARCH_CHOICES: dict[str, type[SearchConfig]] = {
    "random": RandomSearchConfig,
    "bayes": BayesSearchConfig,
}
"""The settings of each choice of ``conf/search/``, which is that of a sweep file's method."""


def search_rules(settings: SearchConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is)."""
    trials = settings.trials
    if trials is not None:
        fits = 1 <= trials <= _MOST_TRIALS
        yield "search.trials", trials, f"1 to {_MOST_TRIALS:,}", fits
    yield "search.seed", settings.seed, "0 to 2^32 - 1", 0 <= settings.seed < 2**32
    if isinstance(settings, BayesSearchConfig):
        fits = 1 <= settings.startup <= _MOST_TRIALS
        yield "search.startup", settings.startup, f"1 to {_MOST_TRIALS:,}", fits
