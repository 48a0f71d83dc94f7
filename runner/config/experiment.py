"""Experiments some of whose choices are replaced on the command line.

``experiment=hfvae_mnist`` chooses a dataset, a network, a prior and an objective, and sets values
for them. With ``objective=beta_vae`` beside it, what it set for its own objective must not stay:
Hydra then composes a copy of the experiment without those values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from runner.config.data_root import data_root
from runner.config.override import searched_folders
from runner.config.own_yaml import OwnFiles
from runner.config.tree import leaves

SECTIONS = ("architecture", "prior", "likelihood", "dataset", "objective")
"""Groups of ``conf/`` whose choices fill a section of the settings each."""

_MADE_FOR: dict[str, tuple[str, ...]] = {
    **{section: (section,) for section in SECTIONS},
    "objective.group_information": ("objective", "prior"),  # which names groups of the prior
    "objective.group_rate": ("objective", "prior"),
    "objective.levels": ("objective", "prior"),
    "alpha": ("objective",),
    "beta": ("objective",),
    "gamma": ("objective",),
    "name": ("dataset", "objective"),
}
"""Settings, with all beneath them → the groups for whose choices an experiment sets them."""

Choices = Mapping[str, str | None]


@dataclass(frozen=True)
class Adapted:
    """Overrides as Hydra takes them; ``experiment`` is the one that was asked for."""

    overrides: list[str]
    experiment: str | None = None
    notes: tuple[str, ...] = ()
    own: OwnFiles = field(default_factory=OwnFiles)


def group_overrides(overrides: Sequence[str]) -> dict[str, str]:
    """Return the choices among overrides, by group."""
    split = (override.partition("=") for override in overrides)
    return {key.lstrip("+"): value for key, _, value in split if key.lstrip("+") in SECTIONS}


def without_replaced(overrides: Sequence[str], choices: Callable[[list[str]], Choices]) -> Adapted:
    """Return the overrides, with a copy of their experiment that sets nothing for replaced choices.

    ``choices`` composes overrides and returns what they choose.
    """
    names = [o.partition("=")[2] for o in overrides if o.lstrip("+").startswith("experiment=")]
    given = group_overrides(overrides)
    path = _find("experiment", names[-1], overrides) if names and given else None
    if path is None:  # nothing is replaced; of a wrong name Hydra says so
        return Adapted(list(overrides))
    name, others = names[-1], [o for o in overrides if not _is_of_experiment(o)]
    search = [o for o in overrides if o.startswith("hydra.searchpath=")]
    own = choices([*search, f"experiment={name}"])
    replaced = [group for group, choice in given.items() if choice != own.get(group)]
    if not replaced:
        return Adapted(list(overrides))
    content = _load(path)
    files = [_find(group, given[group], overrides) for group in replaced]
    content["defaults"] = list(_remaining_defaults(content, [file for file in files if file]))
    actual = choices([
        *search, *(f"{g}={c}" for g, c in given.items()),
        f"experiment={_offer(f'{name}__choices', {'defaults': content['defaults']})}",
    ])  # fmt: skip
    replaced = [group for group in SECTIONS if own.get(group) != actual.get(group)]
    set_here = {o.partition("=")[0].lstrip("+") for o in overrides} | {"name"}
    dropped = [key for key in _drop(content, replaced) if key not in set_here]
    adapted = _offer("__".join([name, "without", *replaced]), content)
    kept = [key for key, _ in leaves({k: v for k, v in content.items() if k != "defaults"})]
    note = _note(name, [f"{g}={actual.get(g)}" for g in replaced], dropped, kept)
    return Adapted([*others, f"experiment={adapted}"], name, (note,) if dropped else ())


def _remaining_defaults(experiment: Mapping[str, Any], files: Sequence[Path]) -> Iterator[object]:
    """Yield the defaults of an experiment, but for what the files of replacing choices choose."""
    brought = {group for file in files for group, _ in _overridden(_load(file))}
    for entry in experiment.get("defaults", []):
        if not any(group in brought for group, _ in _overridden({"defaults": [entry]})):
            yield entry


def _note(name: str, replaced: Sequence[str], dropped: Sequence[str], kept: Sequence[str]) -> str:
    """Return what becomes of the values that an experiment sets, in one line."""
    stays = f"; {', '.join(kept)} as in the experiment" if kept else ""
    return f"experiment={name} with {' '.join(replaced)}: its {', '.join(dropped)} dropped{stays}"


def _is_of_experiment(override: str) -> bool:
    return override.lstrip("+").startswith("experiment=")


def _find(group: str, name: str, overrides: Sequence[str]) -> Path | None:
    """Return the file of a choice: in ``conf/``, or in the folders of ``--config-dir``."""
    folders = [data_root() / "conf"]
    for override in overrides:
        if override.startswith("hydra.searchpath="):
            folders += searched_folders(override)
    paths = [folder / group / f"{name}.yaml" for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def _load(path: Path) -> dict[str, Any]:
    from omegaconf import OmegaConf

    content = OmegaConf.to_container(OmegaConf.load(path))
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _overridden(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (group, choice) for each ``override /group: choice`` in the defaults of a file."""
    for entry in content.get("defaults", []):
        if isinstance(entry, Mapping):
            for key, choice in cast("Mapping[str, str]", entry).items():
                if key.startswith("override "):
                    group = key.removeprefix("override ").lstrip("/").partition("@")[0]
                    yield group, choice


def _drop(tree: dict[str, Any], replaced: Sequence[str], prefix: str = "") -> Iterator[str]:
    """Take away what is set for replaced choices, and yield its dotted names."""
    for key in list(tree):
        name, value = f"{prefix}{key}", tree[key]
        if set(_MADE_FOR.get(name, ())) & set(replaced):
            del tree[key]
            yield from (n for n, _ in leaves({name: value}))
        elif isinstance(value, dict) and key != "defaults":
            yield from _drop(cast("dict[str, Any]", value), replaced, f"{name}.")
            if not value:
                del tree[key]


def _offer(name: str, content: Mapping[str, Any]) -> str:
    """Give Hydra an experiment that no file holds, and return its name."""
    from hydra.core.config_store import ConfigStore

    defaults = list(content.get("defaults", []))
    node = {**content, "defaults": defaults if "_self_" in defaults else [*defaults, "_self_"]}
    ConfigStore.instance().store("__" + name, node, group="experiment", package="_global_")
    return "__" + name
