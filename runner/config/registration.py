"""What Hydra and OmegaConf are told: the types of ``conf/``, the functions its YAML may call."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from runner.config.images_name import images_name
from runner.config.override import read_override
from runner.config.own_pieces import choices, nodes, schema
from runner.config.schema import CHOICES
from runner.config.setting_types import forget_types


@cache
def register() -> None:
    """Tell Hydra the types of ``conf/``, and OmegaConf the functions that its YAML may call."""
    functions: dict[str, Callable[..., object]] = {
        "either": _either, "prefixed": _prefixed, "sum": _sum, "less": _less, "times": _times,
    }  # fmt: skip
    for name, function in functions.items():
        OmegaConf.register_new_resolver(f"vaerun.{name}", function, replace=True)
    OmegaConf.register_new_resolver("vaerun.uid", _uid, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("vaerun.images", images_name, replace=True)
    store = ConfigStore.instance()
    for group, kinds in CHOICES.items():
        for name, node in kinds.items():
            store.store(group=f"schema/{group}", name=name, node=node)
    _register_own()


_of_plugins: list[tuple[str, str]] = []
"""Group and name of the own choices that Hydra has been told of."""


def own_pieces_changed() -> None:
    """Tell Hydra which own pieces settings may have from now on, and forget what was known."""
    forget_types()
    read_override.cache_clear()
    register()
    _register_own()


def _register_own() -> None:
    store = ConfigStore.instance()
    for group, name in _of_plugins:
        for place in (group, f"schema/{group}"):
            node = store.repo
            for part in place.split("/"):
                node = node.get(part, {})
            node.pop(f"{name}.yaml", None)
    _of_plugins.clear()
    store.store(name="schema", node=schema())
    for group, name, content in nodes():
        store.store(group=group, name=name, node=content)
        store.store(group=f"schema/{group}", name=name, node=choices(group)[name])
        _of_plugins.append((group, name))


def _uid() -> str:
    return secrets.token_hex(2)


def _either(first: str | None, other: str) -> str:
    return first or other


def _prefixed(prefix: str, name: str | None) -> str | None:
    return prefix + name if name else None


def _sum(*parts: object) -> object:
    """Return the sum of numbers, at most one of which may be a schedule."""
    plans = [part for part in parts if isinstance(part, Mapping)]
    constant = sum(part for part in parts if isinstance(part, (int, float)))
    return _mapped(plans[0], lambda end: end + constant) if plans else constant


def _less(first: float, second: object) -> object:
    return _sum(first, _times(-1, second))


def _times(factor: float, number: object) -> object:
    return _mapped(number, lambda end: factor * end)


def _mapped(number: object, change: Callable[[float], float]) -> object:
    """Return a number changed, or a schedule with both of its ends changed."""
    if not isinstance(number, Mapping):
        return change(cast("float", number))
    schedule = cast("Mapping[str, Mapping[str, Any]]", number)
    ends = ("from", "to")
    return {
        shape: {key: change(v) if key in ends else v for key, v in settings.items()}
        for shape, settings in schedule.items()
    }
