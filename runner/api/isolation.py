"""What a call leaves as it found it, and the errors that it raises.

A program that imports this one may use Hydra and OmegaConf itself, set how PyTorch multiplies, or
compute in several threads.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from threading import Lock, RLock
from typing import Any, cast

from runner import config, memory
from runner.errors import VaerunError, of_the_system

_COMPOSING = RLock()
"""Hydra has one state for all threads."""


@contextmanager
def plain_errors() -> Generator[None]:
    """Raise a VaerunError of one line for too little memory, or a file that cannot be used."""
    try:
        yield
    except VaerunError:
        raise
    except Exception as error:
        if (too_little := memory.failure(error)) is not None:
            raise too_little from error
        if not isinstance(error, OSError):
            raise
        raise of_the_system(error) from error


@contextmanager
def own_hydra() -> Generator[None]:
    """Compose within without regard to the program's own Hydra, which is as before afterwards.

    That goes for what it has initialised, its stored configurations, OmegaConf's resolvers, and the
    own pieces that settings may have.
    """
    from hydra.core.config_store import ConfigStore
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.singleton import Singleton
    from hydra.core.utils import setup_globals
    from hydra.version import VersionBase
    from omegaconf.basecontainer import BaseContainer

    stateful = (GlobalHydra, HydraConfig, VersionBase)
    with _COMPOSING:
        made = cast("dict[type, Any]", getattr(Singleton, "_instances"))  # noqa: B009 - private
        resolvers = cast("dict[str, Any]", getattr(BaseContainer, "_resolvers"))  # noqa: B009
        stored = ConfigStore.instance().repo
        known, others = dict(resolvers), _without_hydra(_copied(stored))
        before = {kind: made.pop(kind) for kind in stateful if kind in made}
        config.register.cache_clear()
        try:
            setup_globals()  # Hydra's own resolvers, which folders of earlier compositions need
            config.register()
            with config.unchanged_pieces():
                yield
        finally:
            for kind in stateful:
                made.pop(kind, None)
            made.update(before)
            resolvers.clear()
            resolvers.update(known)
            for name in _without_hydra(stored):
                del stored[name]
            stored.update(others)
            config.register.cache_clear()


def _copied(repo: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings copied, with the same configurations in them."""
    return {
        name: _copied(cast("dict[str, Any]", node)) if isinstance(node, dict) else node
        for name, node in repo.items()
    }


def _without_hydra(repo: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored configurations without those of Hydra itself and its plugins.

    These store theirs once in a process, when they are imported.
    """
    return {name: node for name, node in repo.items() if name != "hydra"}


@contextmanager
def own_pieces(settings: config.RunConfig) -> Generator[None]:
    """Let a run have its own pieces within.

    There is one set of them for all threads, so that runs which have any take turns.
    """
    with own_hydra() if settings.plugins else nullcontext():
        yield


@contextmanager
def own_environment() -> Generator[None]:
    """Take back, afterwards, the changes of environment variables that are made within."""
    before = dict(os.environ)
    try:
        yield
    finally:
        now = dict(os.environ)
        for name in now.keys() - before.keys():
            os.environ.pop(name, None)
        for name, value in before.items():
            if now.get(name) != value:
                os.environ[name] = value


class _Precision:
    """How PyTorch multiplies matrices: one setting of the process, which several threads share."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = "highest"

    @contextmanager
    def own(self) -> Generator[None]:
        """Restore the setting when the last thread that is within has left."""
        import torch

        with self._lock:
            if self._inside == 0:
                self._before = torch.get_float32_matmul_precision()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    torch.set_float32_matmul_precision(self._before)


_PRECISION = _Precision()


@contextmanager
def own_precision() -> Generator[None]:
    """Let runs choose how PyTorch multiplies within; afterwards it is as before."""
    with _PRECISION.own():
        yield
