"""W&B's settings of a folder, ``wandb/settings`` in the current one, which wandb reads unasked.

`wandb init` and `wandb offline` write it, but so can whoever made the folder: the server in it
would receive the reader's API key.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from types import ModuleType

from runner.errors import UsageError

_HARMLESS = {"mode", "disabled", "entity", "project", "ignore_globs"}


def check_folder_settings(wandb: ModuleType) -> None:
    """Check that the settings of the current folder do not say where the API key is sent.

    Raises: UsageError naming the file, when they do.
    """
    usual = wandb.Settings()
    path = Path(usual.settings_workspace)
    for name, value in _read(path).items():
        if name == "base_url" and (os.environ.get("WANDB_BASE_URL") or value in _servers(usual)):
            continue
        if name == "base_url":
            hint = "delete the file, or name the server that you mean in WANDB_BASE_URL"
            raise UsageError(f"'{path}' would have your W&B key sent to {value!r}", hint)
        if name not in _HARMLESS:
            message = f"'{path}' sets {name!r}, which is not for a folder to say"
            raise UsageError(message, "delete the line, or the file if it is not your own")


def _servers(usual: object) -> set[str]:
    """Return the public server, and the one that `wandb login --host` has stored."""
    config = os.environ.get("WANDB_CONFIG_DIR") or "~/.config/wandb"
    stored = _read(Path(config).expanduser() / "settings").get("base_url")
    return {str(getattr(usual, "base_url", "")), *([stored] if stored else [])}


def _read(path: Path) -> dict[str, str]:
    """Return all settings of a file of wandb's; none where there is no such file.

    Raises: UsageError when it is no such file.
    """
    if not path.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"'{path}' is not a file of W&B's settings") from error
    return {name: value for section in parser.values() for name, value in section.items()}
