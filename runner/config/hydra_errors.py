"""Errors of Hydra and OmegaConf as one line in the words of the settings, with the nearest name."""

from __future__ import annotations

import re

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException

from runner import config
from runner.config.setting_types import type_of
from runner.config.shown import shown
from runner.config.value_errors import explain_value
from runner.config.value_types import described
from runner.errors import UsageError, nearest, nearest_setting

COMPOSING = (
    HydraException, OmegaConfBaseException, yaml.YAMLError, AssertionError, AttributeError,
    KeyError, OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What composing raises about settings: Hydra lets through what it meets where it expects none."""


def explain(error: Exception, conf: str, overrides: list[str]) -> UsageError:
    """Return the error that a user should read instead of Hydra's own.

    Args:
        error: what Hydra raised while it composed ``overrides`` with the YAML in ``conf``.
        conf: the folder of the YAML.
        overrides: the settings of the command line.
    """
    if isinstance(error, MissingConfigException):
        return _unknown_choice(error)
    message = str(error)
    if match := re.search(r"Could not append to config. An item is already at '([^']+)'", message):
        return UsageError(f"'{match[1]}' has a value already", f"without the +: {match[1]}=…")
    if match := re.search(r"Could not (?:override|append|delete)[^']*'([^']+)'", message):
        return unknown_setting(match[1].partition("@")[0], conf, overrides)
    if match := re.match(r"In '([\w./-]+)': \w+ raised|Error merging override (\S+)", message):
        where = (match[1] or "").replace("/", "=") or match[2].lstrip("+")
        return _misfit(where, error)
    if isinstance(error, OmegaConfBaseException):
        return explain_value(error)
    return UsageError(f"{_given(overrides)} cannot be put together", "vaerun list NAME explains")


def _given(overrides: list[str]) -> str:
    given = [o for o in overrides if not o.startswith("hydra.")]
    return shown(" ".join(given)) if given else "these settings"


def _misfit(where: str, error: Exception) -> UsageError:
    """Return the error for a choice that sets what another lacks, or a value of a wrong type."""
    text = f"{error}\n{error.__cause__ or ''}"
    key = re.search(r"full_key: (\S+)", text)
    if key is None:
        return UsageError(f"{where} does not fit the other choices")
    name = key[1]
    if re.search(r"^Key '[^']*' (?:is )?not in ", text, re.MULTILINE):
        group = name.partition(".")[0]
        hint = f"vaerun list {group} shows which {group} has it"
        return UsageError(f"{where} sets {name}, which the other choices lack", hint)
    return UsageError(f"{where}: {name} must be {described(type_of(name))}")


def unknown_setting(key: str, conf: str, overrides: list[str]) -> UsageError:
    """Return the error for a key that no setting has, naming the nearest that one has."""
    known = _known_settings(conf, overrides)
    if key in known:  # it was given as a mapping, and one of its keys is wrong
        inside = [k.removeprefix(f"{key}.") for k in known if k.startswith(f"{key}.")]
        return UsageError(f"{key} was given a setting that it lacks", f"it has {', '.join(inside)}")
    hint = nearest_setting(key, known) or "vaerun --cfg job shows all settings"
    return UsageError(f"unknown setting '{key}'", hint)


def _unknown_choice(error: MissingConfigException) -> UsageError:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    options = sorted(error.options or ())
    if not group or not options:
        missing = error.missing_cfg_file or "a file"
        return UsageError(f"there is no '{missing}' among the choices", "vaerun list shows them")
    hint = " ".join(filter(None, [nearest(name, options), f"{group}: {', '.join(options)}"]))
    return UsageError(f"unknown {group} '{name}'", hint)


def _known_settings(conf: str, overrides: list[str]) -> list[str]:
    """Return the settings that the chosen groups offer, whatever the values given for them."""
    groups = (*config.GROUPS, "sweep")
    kept = (*groups, "hydra.searchpath")
    parts = [override.partition("=") for override in overrides]
    chosen = [
        f"{key}={value}" for key, _, value in parts if key in kept and not value.startswith("{")
    ]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(conf, version_base="1.3"):
            keys = config.flat_keys(compose("config", chosen))
    except COMPOSING:
        return list(groups)
    return [*groups, *keys]
