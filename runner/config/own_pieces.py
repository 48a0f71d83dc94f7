"""The typed settings of own pieces: made from what their files declare, beside those of ours.

An own network, prior, likelihood or dataset is a choice of its group; an own penalty or metric is a
section beside ours, which every run of the plugin has. Both are declared in the classes that are
made here, for the plugins of the settings at hand and for them alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, field, make_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Optional, cast

from runner.config.data_root import data_root
from runner.config.dataset_schema import DatasetConfig
from runner.config.metrics_schema import MetricsConfig
from runner.config.objective_schema import PenaltiesConfig
from runner.config.prior_schema import PriorConfig
from runner.config.schedule import Value
from runner.config.schema import CHOICES, ArchitectureConfig, LikelihoodConfig, RunConfig
from runner.config.value_types import misfits
from runner.errors import UsageError
from runner.plugins import Piece, Plugin, active, pieces

if TYPE_CHECKING:
    from omegaconf import DictConfig

GROUP_OF = {
    "dataset": "dataset",
    "network": "architecture",
    "prior": "prior",
    "likelihood": "likelihood",
}
"""Kind of piece → the group of ``conf/`` that it is a choice of."""

_CLASSES: Mapping[str, type] = {
    "dataset": DatasetConfig,
    "network": ArchitectureConfig,
    "prior": PriorConfig,
    "likelihood": LikelihoodConfig,
}

FIGURES = (
    "reconstructions", "held_out", "samples", "traversals", "traversal", "interpolation",
    "style_transfer", "analogies", "plane", "topics", "correlated_topics", "information", "latents",
    "pruning",
)  # fmt: skip
"""The names of our figures of a run; ``figures.of_run`` draws them."""

_OF_COMPARISONS = (
    "rate_distortion", "metric_against_", "heat_map", "traversals", "information",
)  # fmt: skip
"""What the names of our figures of a comparison begin with."""

_OF_NETWORKS: Mapping[str, Any] = {"conditional": False, "conditional_head": "shared"}
"""What every network has beside its own settings."""

_LEVELS = ("name", "hold_out", "correlated", "conditional", "conditional_head")
"""Settings of a group that a piece of it cannot declare anew."""


def check(plugin: Plugin) -> None:
    """Refuse pieces that have a name of ours, or settings that cannot be told from ours.

    Raises: UsageError naming the line where the piece is added.
    """
    for piece in plugin.pieces:
        if piece.name in _taken(piece.kind) or _is_figure(piece):
            raise UsageError(
                f"{piece.place}: there is a {piece.kind} '{piece.name}' of vaerun's own",
                "an own piece needs a name of its own",
            )
        defaults = piece.defaults()
        for name, hint in piece.types().items():
            if name in _LEVELS and piece.kind in GROUP_OF:
                message = f"{piece.place}: {piece.title} cannot have a setting '{name}'"
                raise UsageError(message, "every choice of its group has one")
            kind = Value if name == "weight" and piece.kind == "penalty" else hint
            for error in misfits(kind, name, defaults[name]) if name in defaults else ():
                raise UsageError(f"{piece.place}: {piece.title}: {error.message}", error.hint)


def _taken(kind: str) -> set[str]:
    """Return the names of ours of a kind."""
    if kind in GROUP_OF:
        folder = data_root() / "conf" / GROUP_OF[kind]
        return {path.stem for path in folder.glob("*.yaml")} | set(CHOICES[GROUP_OF[kind]])
    if kind == "penalty":
        return set(PenaltiesConfig.__dataclass_fields__)
    return set(MetricsConfig.__dataclass_fields__) if kind == "metric" else set()


def _is_figure(piece: Piece) -> bool:
    if piece.kind != "figure":
        return False
    if piece.options["of"] == "run":
        return piece.name in FIGURES
    return piece.name.startswith(_OF_COMPARISONS)


def choices(group: str) -> dict[str, type]:
    """Return the classes of the settings of a group's choices by name, ours and own ones."""
    own = {kind for kind, of in GROUP_OF.items() if of == group}
    found = {p.name: class_of(p) for kind in own for p in pieces(kind).values()}
    return {**CHOICES.get(group, {}), **found}


def widest(kind: type) -> type:
    """Return the class with the sections of own pieces beside those of ours, if there are any."""
    if kind is PenaltiesConfig:
        return _with_sections(kind, tuple(pieces("penalty").values()))
    if kind is MetricsConfig:
        return _with_sections(kind, tuple(pieces("metric").values()))
    return kind


@cache
def _with_sections(kind: type, own: tuple[Piece, ...]) -> type:
    if not own:
        return kind
    sections: list[tuple[str, Any, Any]] = []
    for piece in own:
        section = class_of(piece)
        hint: Any = Optional[section] if kind is MetricsConfig else section  # noqa: UP045
        sections.append((piece.name, hint, field(default_factory=section)))
    return make_dataclass(kind.__name__, sections, bases=(kind,), kw_only=True)


@cache
def class_of(piece: Piece) -> type:
    """Return the class of the settings of an own piece, as the schema has one of each of ours."""
    base = _CLASSES.get(piece.kind)
    bases = () if base is None else (base,)
    usual: dict[str, Any] = {"name": piece.name} if base is not None else {}
    types: dict[str, Any] = {"name": str} if base is not None else {}
    if base is ArchitectureConfig:
        usual |= _OF_NETWORKS
        types |= {"conditional": bool, "conditional_head": str}
    if piece.kind == "penalty":
        usual["weight"], types["weight"] = 0, Value
    types |= {k: hint for k, hint in piece.types().items() if k != "weight" or k not in types}
    defaults = {**usual, **piece.defaults()}
    made = [(name, hint, _field(defaults.get(name, MISSING))) for name, hint in types.items()]
    return make_dataclass(f"{piece.name}_settings", made, bases=bases, kw_only=True)


def _field(default: Any) -> Any:  # noqa: ANN401 - a field of a dataclass
    if isinstance(default, list):
        return field(default_factory=lambda: list(cast("list[object]", default)))
    return field(default=default) if default is not MISSING else field()


def defaults_of(piece: Piece) -> dict[str, Any]:
    """Return the settings of a choice that has no YAML, by name, as its YAML would have them."""
    found: dict[str, Any] = {"name": piece.name, **piece.defaults()}
    if piece.kind == "network":
        found = {**_OF_NETWORKS, **found}
    if piece.kind == "prior":
        usual = dict(_of_normal())
        usual["group_size"] = 2 if found["dimensions"] % 2 == 0 else None
        found = {**usual, **found}
    return found


@cache
def _of_normal() -> Mapping[str, Any]:
    """Return what every prior has beside its own settings, as ``prior=normal`` has it."""
    from omegaconf import OmegaConf

    content = OmegaConf.load(data_root() / "conf" / "prior" / "normal.yaml")
    tree = cast("dict[str, Any]", OmegaConf.to_container(content))
    return {key: tree[key] for key in ("dimensions", "group_size", "groups", "discrete",
                                       "temperature")}  # fmt: skip


def schema() -> type[RunConfig] | DictConfig:
    """Return what settings are composed against, with the sections of own penalties and metrics."""
    from omegaconf import OmegaConf

    if not pieces("penalty") and not pieces("metric"):
        return RunConfig
    from runner.config.objective_schema import ObjectiveConfig

    node: Any = OmegaConf.structured(RunConfig)
    node.objective = OmegaConf.structured(ObjectiveConfig)
    node.objective.penalties = OmegaConf.structured(widest(PenaltiesConfig))
    node.metrics = OmegaConf.structured(widest(MetricsConfig))
    return node


def nodes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (group, name, content) of each own choice, for those that have no YAML."""
    for kind, group in GROUP_OF.items():
        for piece in pieces(kind).values():
            defaults: list[Any] = [f"/schema/{group}/{piece.name}@_here_"]
            if network := piece.options.get("network"):
                defaults.append({"override /architecture@_global_.architecture": network})
            yield group, piece.name, {"defaults": [*defaults, "_self_"], **defaults_of(piece)}


def own_folders() -> list[Any]:
    """Return the folders of YAML beside the files of the plugins at hand."""
    return list(dict.fromkeys(plugin.folder for plugin in active() if plugin.folder))
