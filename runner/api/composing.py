"""``compose``: the settings of a run from overrides, as the command line composes them."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from runner import config as settings
from runner.api.isolation import own_hydra, plain_errors
from runner.config import GROUPS, WEIGHT_NAMES, RunConfig, plain
from runner.config.composition import Composition, search_path
from runner.config.composition import compose as compose_overrides
from runner.config.overrides import refuse_code, steps_or_epochs, without_null_choices
from runner.config.tree import leaves
from runner.config.written import of_command_line, written
from runner.errors import UsageError

_OF_GRIDS = ("sweep", "only", "launcher", "sweep_name")
_CHOSEN = tuple(group for group in GROUPS if group not in ("experiment", "debug"))

Tree = dict[str, Any]


@dataclass(frozen=True)
class _Origin:
    """Where settings come from."""

    settings: Tree
    """As they were composed."""
    composition: Composition


_ORIGINS: dict[int, _Origin] = {}
"""By the identity of the settings, as long as these exist."""


@plain_errors()
def compose(*overrides: str, config_dir: str | Path | None = None) -> RunConfig:
    """Return the settings of a run: ``compose("objective=hfvae", "beta=12")``.

    Overrides are those of the command line, ``experiment=NAME`` and choices included. W&B is off
    unless an override, an experiment or ``conf/local`` sets ``wandb.mode``.

    Args:
        overrides: settings, each written ``key=value``; of two of one key the last counts.
        config_dir: a folder of own YAML, laid out as ``conf/`` is.

    Returns: typed settings, with all references resolved: a later change of ``beta``, say, does
        not change the weights that follow from it. Compose again instead.

    Raises: UsageError for what cannot be composed, or makes no sense.
    """
    given = [*_searched(config_dir), *_checked(overrides)]
    with own_hydra():
        composition = compose_overrides(given)
        config = composition.parse()
        if config.wandb.mode == "auto" and not _names(given, "wandb.mode"):
            composition = compose_overrides([*given, "wandb.mode=disabled"])
            config = composition.parse()
    for note in dict.fromkeys(composition.notes):
        warnings.warn(note, UserWarning, stacklevel=3)
    _remember(config, composition)
    return config


def _searched(config_dir: str | Path | None) -> list[str]:
    if config_dir is None:
        return []
    folder = Path(config_dir).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(f"config_dir: there is no folder '{folder}'")
    return [search_path([folder])]


def _checked(overrides: Sequence[object]) -> list[str]:
    """Return overrides as Hydra's grammar has them.

    Raises: UsageError for what is no setting, or a setting of grids.
    """
    texts: list[str] = []
    for override in overrides:
        if not isinstance(override, str) or "=" not in override or override[0] in "=~":
            raise UsageError(f"cannot read {override!r}: a setting is written 'key=value'")
        key = override.partition("=")[0].lstrip("+")
        if key.split(".")[0] in _OF_GRIDS:
            hint = f"a grid is trained by: vaerun {override}"
            raise UsageError(f"{key} is a setting of grids, and compose is for one run", hint)
        texts.append(override)
    given = of_command_line(texts, one_run=False)
    refuse_code(given)
    return steps_or_epochs(without_null_choices(given))


def _names(overrides: Sequence[str], key: str) -> bool:
    return any(override.lstrip("+").partition("=")[0] == key for override in overrides)


def _remember(config: RunConfig, composition: Composition) -> None:
    place = id(config)
    _ORIGINS[place] = _Origin(plain(config), composition)
    weakref.finalize(config, _ORIGINS.pop, place, None)


@plain_errors()
def trainable(config: RunConfig) -> tuple[RunConfig, Path, str | None]:
    """Return settings checked again, a new folder for their run, and ``config_unresolved.yaml``.

    The last is None where the settings cannot be composed here, as those of another version.

    Raises: UsageError for settings that make no sense, or of which some no longer follow from
        those that they were composed from.
    """
    if not isinstance(config, RunConfig):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"train takes the settings that compose returns, not {config!r:.60}")
    origin = _ORIGINS.get(id(config))
    with own_hydra():
        settings.use_plugins(config.plugins)
        try:
            checked = settings.restore(settings.to_yaml(config), [])
        except UsageError as error:
            raise UsageError(error.message.removeprefix("config.yaml: "), error.hint) from error
        if origin is not None and origin.settings == plain(checked):
            composition = origin.composition
        else:
            composition = _recomposed(checked)
        unresolved = composition.to_yaml() if composition else None
        return checked, _new_folder(checked, composition), unresolved


def _new_folder(config: RunConfig, composition: Composition | None) -> Path:
    """Return a folder that no run has yet."""
    from omegaconf import OmegaConf

    if composition is None:
        places = [f"{key}={settings.quoted(getattr(config, key))}" for key in ("out", "name")]
        composition = compose_overrides(places)
    OmegaConf.clear_cache(composition.whole)  # which holds the time, and a part made at random
    return composition.run_folder()


def _recomposed(config: RunConfig) -> Composition | None:
    """Return the composition of settings that a program has changed, or None if there is none.

    Raises: UsageError where a weight is not what alpha, beta or gamma make it.
    """
    choices = [f"{group}={getattr(config, group).name}" for group in _CHOSEN]
    wanted = dict(leaves(plain(config)))
    try:
        brought = compose_overrides(choices)
        follows = dict(_following(brought))
        usual = dict(leaves(plain(brought.parse())))
        changed = [
            settings.allow_new_key(f"{key}={written(value)}")
            for key, value in wanted.items()
            if key not in follows and (key not in usual or usual[key] != value)
        ]
        found = compose_overrides([*choices, *changed])
        got = dict(leaves(plain(found.parse())))
    except (UsageError, ValueError):
        return None
    for key, expression in follows.items():
        if key in wanted and wanted[key] != got.get(key):
            raise UsageError(
                f"{key} is {wanted[key]} in these settings, but {expression} makes it {got[key]}",
                "weights do not follow from a later change: compose the settings again",
            )
    return found if got == wanted else None


def _following(composition: Composition) -> Iterator[tuple[str, str]]:
    """Yield (setting, expression) of the settings that follow from alpha, beta or gamma."""
    from omegaconf import OmegaConf

    tree = cast("Tree", OmegaConf.to_container(composition.settings, resolve=False))
    for key, value in leaves(tree):
        if any(f"${{{name}}}" in str(value) for name in WEIGHT_NAMES):
            yield key, str(value)
