"""Errors of Hydra and OmegaConf as one line, with the nearest valid name."""

from __future__ import annotations

import re

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from runner import config
from runner.errors import UsageError, nearest, nearest_setting


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
    if match := re.match(r"Error merging override (\S+)|In '(\w+)/(\w+)': \w+ raised", message):
        where = match[1] or f"{match[2]}={match[3]} does not fit the other choices"
        return UsageError(f"{where}: {_reason(error)}")
    return _unreadable(error, message)


def _unreadable(error: Exception, message: str) -> UsageError:
    """Return the error for what Hydra cannot take as one value, or cannot read at all."""
    if match := re.match(r"Ambiguous value for argument '([^']+)'", message):
        return UsageError(f"{match[1]} has several values", "-m trains a run for each of them")
    if "parsing override" in message or isinstance(error, OverrideParseException):
        written = getattr(error, "override", None)
        what = f"'{written}'" if written else "the settings"
        return UsageError(f"cannot read {what}: {_first_line(error.__cause__ or error)}")
    return UsageError(_first_line(error))


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
        return UsageError(_first_line(error))
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
    except (HydraException, OmegaConfBaseException):
        return list(groups)
    return [*groups, *keys]


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _reason(error: Exception) -> str:
    """Return why settings do not go together: Hydra says it in a cause, or below a headline."""
    _, _, below = str(error).partition("\n")
    return _first_line(error.__cause__ or (Exception(below) if below.strip() else error))
