"""Which runs of a grid can train together, as far as their settings tell.

It is seen without composing the settings of every run. What a run cannot share in the end, for a
reason that only its model shows, its worker finds out (:func:`runner.runs.pack.key_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from runner.grid.folder import GridFolder
from runner.grid.run_settings import settings_of

_OWN = (
    "objective.", "alpha", "beta", "gamma", "seed", "steps", "epochs", "learning_rate", "name",
    "out", "sweep_name", "init_from", "init.", "training.record_every", "training.keep_best",
    "training.checkpoint_minutes", "training.clip_gradient", "training.weight_decay",
    "training.stop_early.", "metrics.", "evaluation.", "figures.", "tracking.", "wandb.", "hydra.",
)  # fmt: skip
"""Settings in which runs that train together may differ."""

_SHARED = (
    "objective.concrete_density", "objective.concrete_draws", "objective.pairs.posterior",
    "objective.penalties.supervision.images",
)  # fmt: skip
"""Those among them in which they may not."""

_ALONE = {
    "objective.method": ("vae",),
    "training.compile": ("auto", "false"),
    "objective.penalties.discriminator.weight": ("0",),
}
"""Setting → its only values with which a run can train with others."""

Kind = Hashable | None
"""Equal for runs that can train together; None for one that trains alone."""


def kind_of(overrides: Sequence[str]) -> Kind:
    """Return the kind of a run."""
    settings = settings_of(overrides)
    if any(settings.get(key, allowed[0]) not in allowed for key, allowed in _ALONE.items()):
        return None
    shared = {k: v for k, v in settings.items() if k in _SHARED or not k.startswith(_OWN)}
    return frozenset(shared.items())


def kinds_of(grid: GridFolder) -> Callable[[int], Kind]:
    """Return the function from the number of a run to its kind; all new runs of a search are one.

    The settings of a search's new runs are chosen when they begin.
    """
    known: dict[int, Kind] = {}

    def kind(number: int) -> Kind:
        if number not in known:
            new = number >= len(grid.runs)
            known[number] = "new" if new else kind_of(grid.runs[number])
        return known[number]

    return kind if grid.search is None else lambda _: "of a search"


def partition(grid: GridFolder, numbers: Iterable[int], most: int) -> list[list[int]]:
    """Return the packs in which runs are trained, of at most so many; a run alone is one of one."""
    kind = kinds_of(grid)
    packs: list[list[int]] = []
    open_packs: dict[Kind, list[int]] = {}
    for number in numbers:
        found = kind(number)
        pack = open_packs.get(found, []) if found is not None else []
        if not pack or len(pack) == most:
            pack = list[int]()
            packs.append(pack)
            open_packs[found] = pack
        pack.append(number)
    return packs
