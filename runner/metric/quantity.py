"""Description of a number that a run reports: name, titles, unit and better direction."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

Place = Literal["live", "summary", "workspace"]
"""The live panel during training, the tables at its end, and the saved view on W&B."""

_PARTS = {"size": r"\d+"}
"""Regular expressions of placeholders that do not match every part of a name."""


@dataclass(frozen=True)
class Score:
    """The function that computes a score from codes, and for which codes it is defined."""

    function: str
    """``module.function`` in ``runner.metric``: (codes, seed=, settings by keyword) → numbers."""
    least_factors: int = 1
    """0: it takes no factors, and is there for images of which nothing is known."""
    least_variables: int = 1
    of_groups: bool = False
    """Whether it compares groups of variables, which are then to be several, and larger than one.
    """
    of_class: bool = False
    """Whether it evaluates a single factor, whose name it takes as ``factor``."""


@dataclass(frozen=True)
class Quantity:
    """A number that a run reports, or a pattern of such numbers.

    In a pattern, ``<factor>`` stands for one part of the name, in its titles too:
    ``information/factor/<group>/<factor>`` is shown as I(<factor>; <group>).
    """

    name: str
    """The name in records, ``summary.json``, tables and on W&B: ``terms/index_code_mi``."""
    title: str
    """The long name."""
    short: str
    """The short name, for column headers and panel titles."""
    unit: str = ""
    """``nats``, or empty for a number without a unit."""
    better: Literal["higher", "lower"] | None = None
    """The better direction, or None."""
    family: str = "run"
    """The group it belongs to; for a score, the name of its settings in ``conf/metrics/``."""
    shown: tuple[Place, ...] = ()
    """Where it is shown for every run."""
    column: int | None = None
    """Its place among the columns that ``vaerun compare`` shows by default."""
    score: Score | None = None
    """The function of a family computed from codes alone; only in the family's first row."""

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is, 0 where neither is."""
        return {"higher": 1, "lower": -1, None: 0}[self.better]

    @property
    def short_with_unit(self) -> str:
        """The short name and the unit: ``MI, nats``."""
        return f"{self.short}, {self.unit}" if self.unit else self.short

    @property
    def better_direction(self) -> str:
        """Which direction is better, in words, or empty: ``lower is better``."""
        return f"{self.better} is better" if self.better else ""

    @property
    def title_with_unit(self) -> str:
        """The long name and the unit: ``index-code MI, nats``."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def named(self, name: str) -> Quantity | None:
        """Return this row for a full name, its placeholders filled, or None if it does not fit."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        parts = found.groupdict()
        title, short = self.title, self.short
        for placeholder, text in parts.items():
            title = title.replace(f"<{placeholder}>", text)
            short = short.replace(f"<{placeholder}>", text)
        if (codes := parts.get("codes", "mean")) != "mean":
            title, short = f"{title} ({codes} codes)", f"{short} ({codes})"
        return replace(self, name=name, title=title, short=short)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pieces = re.split(r"<(\w+)>", self.name)
        for i in range(1, len(pieces), 2):
            pieces[i] = f"(?P<{pieces[i]}>{_PARTS.get(pieces[i], '[^/]+')})"
        pieces[::2] = map(re.escape, pieces[::2])
        return re.compile("".join(pieces))
