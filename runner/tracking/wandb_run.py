"""One run on W&B: online where that works at once, offline where it does not, never in the way."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlparse

from runner.config import WANDB_MODES, WandbConfig
from runner.errors import UsageError, nearest

_PROBE_SECONDS = 2.0
_ENVIRONMENT_MODES = {"dryrun": "offline", "run": "online"}
"""Older values of WANDB_MODE that the client still takes."""


def resolve_mode(mode: str) -> tuple[str, str]:
    """Return ``online``, ``offline`` or ``disabled``, and the reason in a few words.

    The environment's WANDB_MODE wins over the settings. ``auto`` is online with an API key and a
    server that answers within two seconds, else offline; nothing ever prompts.

    Raises: UsageError when the key or WANDB_MODE is malformed, or there is no key for ``online``.
    """
    if chosen := os.environ.get("WANDB_MODE"):
        known = _ENVIRONMENT_MODES.get(chosen, chosen)
        if known not in WANDB_MODES:
            raise UsageError(
                f"WANDB_MODE is '{chosen}', not one of {', '.join(WANDB_MODES)}",
                nearest(chosen, WANDB_MODES),
            )
        mode, reason = known, "as WANDB_MODE says"
    else:
        reason = "as wandb.mode says"
    if mode in ("disabled", "offline"):
        return mode, reason
    if not _has_key():
        if mode == "online":
            raise UsageError(
                "wandb.mode=online needs an API key", "wandb login, or wandb.mode=auto"
            )
        return "offline", "no API key (wandb login stores one)"
    if mode == "auto" and (server := _silent_server()):
        return "offline", f"{server} does not answer"
    return "online", reason if mode == "online" else "API key found"


def _has_key() -> bool:
    import wandb

    try:
        return bool(wandb.login(prompt=False, verify=False))
    except (wandb.Error, ValueError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"the W&B API key is not valid: {line}", "wandb login --relogin"
        ) from error


def _silent_server() -> str | None:
    """Return the server's name if nothing answers there; behind a proxy it is given the benefit."""
    import wandb

    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return None
    url = urlparse(wandb.setup().settings.base_url)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), _PROBE_SECONDS).close()
    except OSError:
        return host
    return None


class WandbRun:
    """A W&B run that belongs to a run folder.

    Trouble with W&B never stops training: logging is switched off and ``reason`` says why.
    """

    def __init__(
        self,
        settings: WandbConfig,
        *,
        folder: Path,
        config: Mapping[str, Any],
        run_id: str | None = None,
    ) -> None:
        """Start or take up a W&B run; ``config`` becomes its settings, ``config["name"]`` its name.

        Raises: UsageError as :func:`resolve_mode`.
        """
        self.id = run_id
        self._run: Any = None
        self.mode, self.reason = resolve_mode(settings.mode)
        if self.mode == "disabled":
            return
        import wandb

        try:
            self._run = wandb.init(
                project=settings.project,
                entity=settings.entity,
                group=settings.group,
                tags=settings.tags,
                name=config["name"],
                job_type="train",
                config=dict(config),
                dir=str(folder),
                id=run_id,
                resume="allow" if run_id and self.mode == "online" else None,
                mode="online" if self.mode == "online" else "offline",
                reinit="create_new",  # a run that failed before must not catch this one's records
                settings=wandb.Settings(console="off", silent=True, save_code=False),
            )
        except (wandb.Error, OSError) as error:
            self._give_up(error)
            return
        self.id = str(self._run.id)  # under a W&B agent it is the agent's
        self._run.define_metric("*", step_metric="step")

    def __enter__(self) -> WandbRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish(exit_code=getattr(error, "exit_code", 1) if error else 0)

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Log the figures of a step."""
        self._call("log", dict(record), step=step)

    def log_figures(self, paths: Mapping[str, Path], step: int) -> None:
        """Log pictures, each under ``figures/`` and its name."""
        if self._run is None:
            return
        import wandb

        images = {
            f"figures/{name}": wandb.Image(str(path), file_type=path.suffix[1:])
            for name, path in paths.items()
        }
        self._call("log", {**images, "step": step}, step=step)

    def summarize(self, summary: Mapping[str, Any]) -> None:
        """Set the final figures, nested ones as ``terms/reconstruction``."""
        if self._run is not None:
            self._run.summary.update(dict(_flat(summary)))

    def finish(self, exit_code: int) -> None:
        """End the W&B run, once."""
        run, self._run = self._run, None
        if run is None:
            return
        import wandb

        try:
            run.finish(exit_code=exit_code)
        except (wandb.Error, OSError) as error:
            self._give_up(error)

    def _call(self, method: str, *values: object, **named: object) -> None:
        if self._run is None:
            return
        import wandb

        try:
            getattr(self._run, method)(*values, **named)
        except (wandb.Error, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        self._run, self.mode, self.reason = None, "disabled", f"W&B failed: {line}"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value
