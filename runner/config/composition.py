"""From the overrides of a command line to the settings of a run: the one way, for all commands."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from runner import config
from runner.config import GROUPS, WEIGHT_NAMES, RunConfig
from runner.config.experiment import SECTIONS, Adapted, without_replaced
from runner.config.hydra_errors import COMPOSING, explain
from runner.config.objective_notes import objective_notes
from runner.config.override import read_override
from runner.config.own_yaml import OwnFiles, check_own_yaml
from runner.config.plugin_use import search_path, with_plugins
from runner.config.tree import leaves
from runner.errors import UsageError
from runner.plugins import pieces

if TYPE_CHECKING:
    from omegaconf import DictConfig

__all__ = ["Composition", "adapt", "compose", "compose_run", "conf", "hydra_session", "search_path"]

_SEARCH_PATH = "hydra.searchpath="

ORIGIN = "composition"
"""The section of ``config_unresolved.yaml`` that says how its settings were chosen."""

_HEADER = "# The settings as they were composed: config.yaml has the values of the references.\n"

_ABSENT = object()


@dataclass(frozen=True)
class Composition:
    """What Hydra makes of overrides, before references such as ``${beta}`` are resolved."""

    overrides: tuple[str, ...]
    settings: DictConfig
    """The settings of a run, composed against the schema."""
    choices: Mapping[str, str | None]
    """Group of ``conf/`` → the name of its choice."""
    notes: tuple[str, ...]
    """What may surprise whoever gave the overrides, a line each."""
    whole: DictConfig
    """The settings, and Hydra's own under ``hydra``."""
    own: OwnFiles = field(default_factory=OwnFiles)
    """The YAML of the user's own among the choices."""

    def parse(self) -> RunConfig:
        """Return the typed settings.

        Raises: UsageError for a value that is missing or makes no sense.
        """
        try:
            return config.parse(self.settings)
        except UsageError as error:
            given = {read_override(override).key for override in self.overrides}
            raise self.own.named(self._with_reference(error), given) from error

    def _with_reference(self, error: UsageError) -> UsageError:
        """Return the error with a hint at the weight that was given where it names another."""
        key = error.message.partition(" ")[0]
        values = dict(leaves(_tree(self.settings)))
        written = values.get(key)
        weights = [w for w in WEIGHT_NAMES if f"${{{w}}}" in str(written)]
        if error.hint or not weights:
            return error
        given = ", ".join(f"{w}={values.get(w)}" for w in weights)
        return UsageError(error.message, f"it is {written}, with {given}")

    def to_yaml(self) -> str:
        """Return the text of ``config_unresolved.yaml``: the settings, and how they were chosen."""
        from omegaconf import OmegaConf

        origin = {
            "overrides": list(self.overrides),
            "choices": dict(self.choices),
            "changed": self._changed(),
        }
        return f"{_HEADER}{OmegaConf.to_yaml(self.settings)}{ORIGIN}:\n" + "".join(
            f"  {line}\n" for line in yaml.safe_dump(origin, sort_keys=False).splitlines()
        )

    def _changed(self) -> list[str]:
        """Return the settings that are not as the run's choices bring them, by dotted names."""
        search = tuple(o for o in self.overrides if o.startswith(_SEARCH_PATH))
        chosen = [(group, self.choices.get(group)) for group in SECTIONS]
        leading = [(group, name) for group, name in chosen if group in ("dataset", "objective")]
        brought = _values_of(tuple(leading), search)
        usual = _values_of(tuple(chosen), search)
        names = {f"{group}.name" for group in SECTIONS}
        return [
            key
            for key, value in leaves(_tree(self.settings))
            if (brought if key in names else usual).get(key, _ABSENT) != value
        ]

    def run_folder(self) -> Path:
        """Return the folder that ``conf/config.yaml`` names for one run, new with every call."""
        return self._folder("hydra.run.dir")

    def grid_folder(self) -> Path:
        """Return the folder that ``conf/config.yaml`` names for a grid of runs."""
        return self._folder("hydra.sweep.dir")

    def _folder(self, key: str) -> Path:
        from omegaconf import OmegaConf

        return Path(str(OmegaConf.select(self.whole, key)))


def compose_run(overrides: Sequence[str]) -> RunConfig:
    """Return the settings that overrides choose.

    Raises: UsageError for what cannot be composed, or makes no sense.
    """
    return compose(overrides).parse()


def compose(overrides: Sequence[str]) -> Composition:
    """Return the composed settings; folders of own YAML come as ``hydra.searchpath=[…]``.

    Raises: UsageError for what cannot be composed.
    """
    overrides = with_plugins(_with_one_search_path(overrides))
    adapted = adapt(overrides)
    with hydra_session(adapted.overrides):
        whole = _compose(adapted.overrides)
        chosen = _choices_of(whole)
    settings = copy.deepcopy(whole)
    _remove(settings, "hydra")
    notes = (*adapted.notes, *objective_notes(settings, overrides))
    # The experiment stands in as another of its name where it was adapted.
    chosen["experiment"] = adapted.experiment or chosen.get("experiment")
    return Composition(tuple(overrides), settings, chosen, notes, whole, adapted.own)


def _with_one_search_path(overrides: Sequence[str]) -> list[str]:
    """Return overrides with the last search path alone: Hydra would take the first."""
    searched = [o for o in overrides if o.startswith(_SEARCH_PATH)]
    return [*searched[-1:], *(o for o in overrides if not o.startswith(_SEARCH_PATH))]


def adapt(overrides: Sequence[str]) -> Adapted:
    """Return overrides as Hydra takes them, where a replaced choice takes its settings along.

    Raises: UsageError for what cannot be composed.
    """
    one_path = _with_one_search_path(with_plugins(_with_one_search_path(overrides)))
    read = [read_override(o).text for o in one_path]
    given = [config.allow_new_key(o) for o in read]
    own = check_own_yaml(read)
    with hydra_session(given):
        found = without_replaced(given, lambda chosen: _choices_of(_compose(chosen)))
        off = list(_metrics_off(found.overrides))
    notes = (*own.notes, *found.notes)
    return replace(found, overrides=[*found.overrides, *off], notes=notes, own=own)


def _metrics_off(overrides: Sequence[str]) -> Iterator[str]:
    """Yield overrides that leave out own metrics, unless they are given, with ``metrics=none``."""
    names = [f"metrics.{name}" for name in pieces("metric")]
    if not names or _choices_of(_compose(overrides)).get("metrics") != "none":
        return
    given = [read_override(override) for override in overrides]
    keys = [o.key for o in given] + [
        f"{o.key}.{k}" for o in given if isinstance(o.value, dict)
        for k in cast("dict[object, object]", o.value)
    ]  # fmt: skip
    for name in names:
        if not any(key == name or key.startswith(f"{name}.") for key in keys):
            yield f"{name}=null"


@contextmanager
def hydra_session(overrides: Sequence[str]) -> Generator[Any]:
    """Initialise Hydra on ``conf/``, and hand over its entry object.

    Raises: UsageError in place of what Hydra raises about the overrides.
    """
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    config.register()
    try:
        with hydra.initialize_config_dir(conf(), job_name="vaerun", version_base="1.3"):
            yield GlobalHydra.instance().hydra
    except COMPOSING as error:
        raise explain(error, conf(), list(overrides)) from error


def conf() -> str:
    """Return the folder of the YAML that is composed."""
    return str(config.data_root() / "conf")


@lru_cache(maxsize=256)
def _values_of(
    choices: tuple[tuple[str, str | None], ...], search: tuple[str, ...]
) -> Mapping[str, object]:
    """Return the settings that choices bring when nothing else is given, by dotted names."""
    overrides = [*search, *(f"{group}={name}" for group, name in choices if name)]
    with hydra_session(overrides):
        found = _compose(overrides)
    _remove(found, "hydra")
    return dict(leaves(_tree(found)))


def _tree(settings: DictConfig) -> Mapping[str, Any]:
    """Return settings as plain mappings, with their references as they stand."""
    from omegaconf import OmegaConf

    return cast("dict[str, Any]", OmegaConf.to_container(settings, resolve=False))


def _compose(overrides: Sequence[str]) -> DictConfig:
    import hydra

    return hydra.compose("config", list(overrides), return_hydra_config=True)


def _choices_of(whole: DictConfig) -> dict[str, str | None]:
    made: Mapping[str, str | None] = whole.hydra.runtime.choices
    return {group: made.get(group) for group in GROUPS}


def _remove(settings: DictConfig, key: str) -> None:
    from omegaconf import open_dict

    with open_dict(settings):
        del settings[key]
