"""Whether a run is logged online, offline or not at all: the settings, the key and the server.

Nothing here prompts the user. wandb is imported only where it is needed.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import ModuleType
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from runner.errors import UsageError, VaerunError, nearest
from runner.tracking.folder_settings import check_folder_settings

PROBE_SECONDS = 2.0
"""How long a server may take to accept a connection before a run goes offline."""

Mode = tuple[str, str]
"""How a run is logged, "online", "offline" or "disabled", and the reason in one line."""

_ENVIRONMENT_MODES = {
    "online": "online",
    "run": "online",
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
}
"""Value of WANDB_MODE → mode."""


def resolve_mode(mode: str) -> Mode:
    """Return "online", "offline" or "disabled", and the reason in one line.

    WANDB_MODE overrides ``mode``. "auto" is online where there are an API key and a server that
    answers within two seconds.

    Raises:
        UsageError: WANDB_MODE or the API key is malformed, or "online" is set without a key.
    """
    setting = "WANDB_MODE" if os.environ.get("WANDB_MODE") else "wandb.mode"
    wanted = _environment_mode() or mode
    if wanted not in ("auto", "online"):
        return wanted, f"set by {setting}"
    with _in_one_line():
        return _mode_of_session(wanted, setting)


def require_server() -> str:
    """Return the name of the W&B server after it has accepted this machine's key.

    For commands that need W&B: WANDB_MODE and `wandb offline` are ignored.

    Raises:
        UsageError: there is no key, it is malformed, or the server does not accept it.
        VaerunError: the server does not answer.
    """
    with _in_one_line():
        wandb = silent_wandb()
        check_folder_settings(wandb)
        settings = wandb.setup(settings=wandb.Settings(silent=True, mode="online")).settings
        host = str(urlsplit(settings.base_url).hostname)
        if not _answers(settings.base_url):
            raise VaerunError(f"W&B: {host} does not answer")
        try:
            has_key = wandb.login(prompt=False, verify=True)
        except wandb.Error as error:
            if "did not respond" in str(error):
                raise VaerunError(f"W&B: {host} does not respond") from error
            raise
        if not has_key:
            raise UsageError(f"there is no W&B API key for {host}", "`wandb login` stores one")
    return host


@contextmanager
def _in_one_line() -> Generator[None]:
    """Raise wandb's errors about the key and the settings as a UsageError of one line."""
    try:
        yield
    except silent_wandb().Error as error:
        raise UsageError(f"W&B: {one_line(error)}", "`wandb login` stores a valid key") from error
    except ValueError as error:  # a WANDB_* variable that wandb cannot read
        raise UsageError(f"W&B: {one_line(error)}") from error


def _environment_mode() -> str | None:
    """Return the mode of WANDB_MODE, or None where it is not set."""
    value = os.environ.get("WANDB_MODE")
    if not value:
        return None
    if value not in _ENVIRONMENT_MODES:
        choices = ", ".join(_ENVIRONMENT_MODES)
        hint = nearest(value, _ENVIRONMENT_MODES)
        raise UsageError(f"WANDB_MODE must be one of {choices}, got '{value}'", hint)
    return _ENVIRONMENT_MODES[value]


def _mode_of_session(wanted: str, setting: str) -> Mode:
    """Return the mode and the reason, from the stored settings, the key and the server."""
    wandb = silent_wandb()
    check_folder_settings(wandb)
    settings = wandb.setup(settings=wandb.Settings(silent=True)).settings
    if wanted == "auto" and settings.mode != "online":
        return _ENVIRONMENT_MODES[settings.mode], f"set by `wandb {settings.mode}`"
    wandb.setup(settings=wandb.Settings(mode="online"))  # else `wandb offline` would hide the key
    if not wandb.login(prompt=False, verify=False):
        if wanted == "online":
            raise UsageError(
                f"{setting} is online, but there is no W&B API key",
                "run `wandb login`, or say wandb.mode=offline",
            )
        return "offline", "no API key (run `wandb login`)"
    if wanted == "online":
        return "online", f"set by {setting}"
    host = urlsplit(settings.base_url).hostname
    if not _answers(settings.base_url):
        return "offline", f"{host} does not answer"
    return "online", f"{host} answers"


def _answers(url: str) -> bool:
    """Return whether the server of ``url`` accepts a connection; behind a proxy, True."""
    address = urlsplit(url)
    if address.scheme in getproxies_environment():
        return True
    port = address.port or {"http": 80}.get(address.scheme, 443)
    answered = threading.Event()

    def probe() -> None:
        with suppress(OSError), socket.create_connection((address.hostname, port), PROBE_SECONDS):
            answered.set()

    # A thread, since looking up a name has no time limit of its own.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answered.is_set()


def silent_wandb() -> ModuleType:
    """Return the module wandb, silenced before it prints which settings file it reads."""
    import wandb

    wandb.termsetup(wandb.Settings(silent=True), None)
    return wandb


def one_line(error: Exception) -> str:
    """Return the message of an error of wandb in one line, without its advice for programmers."""
    lines = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
    if isinstance(error, ValueError) and len(lines) > 2:  # pydantic: "1 error", field, complaint
        return ": ".join(lines[1:3])
    return lines[0]
