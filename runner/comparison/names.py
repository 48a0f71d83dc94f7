"""Short names of settings and metrics, as the command line takes them and tables show them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from runner.config import WEIGHT_NAMES
from runner.errors import UsageError, nearest
from runner.metric.quantities import default_columns

_TOP_LEVEL = (*WEIGHT_NAMES, "seed", "steps", "epochs", "batch_size", "learning_rate", "precision")
"""Short names that always mean these top-level settings, not a nested one of the same name."""

_MEAN = "scores/mean/"
"""A short name that fits scores of several kinds of codes means those of the mean codes."""

_FEW_GROUPS = 3
"""I(factor; group) is shown by default for at most so many groups."""


def short_names(settings: Iterable[str]) -> dict[str, str]:
    """Return a unique short name for each dotted setting: ``prior`` for ``prior.name``."""
    keys = list(settings)
    parts = {key: key.removesuffix(".name").split(".") for key in keys}
    short: dict[str, str] = {}
    for key in keys:
        least = 2 if len(parts[key]) > 2 else 1  # `weight` alone would not say of what
        for length in range(least, len(parts[key]) + 1):
            name = ".".join(parts[key][-length:])
            others = (k for k in keys if k != key)
            taken = any(parts[k][-length:] == parts[key][-length:] for k in others)
            if not taken and (name == key or name not in _TOP_LEVEL):
                short[key] = name
                break
        else:
            short[key] = key
    return short


def value_text(value: object) -> str:
    """Return a setting's value as text: 4.0 as ``4``, None as nothing, a list in brackets."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    return str(value)


def choose_settings(
    names: Iterable[str], known: Collection[str], varying: Collection[str]
) -> tuple[str, ...]:
    """Return the dotted settings that these short names mean, as :func:`choose_setting` does."""
    return tuple(dict.fromkeys(choose_setting(name, known, varying) for name in names))


def choose_setting(name: str, known: Collection[str], varying: Collection[str]) -> str:
    """Return the dotted setting that a short name means.

    Args:
        name: a dotted name, or the end of one: ``beta``, ``prior``, ``mmd.weight``.
        known: all dotted settings.
        varying: those with several values; they win where the name fits several settings.

    Raises: UsageError when it means none, or more than one.
    """
    for exact in (name, f"{name}.name"):
        if exact in known:
            return exact
    found = [k for k in known if k.removesuffix(".name").endswith(f".{name}")]
    found = [key for key in found if key in varying] or found
    if len(found) > 1:
        raise UsageError(f"'{name}' may be any of several settings", ", ".join(sorted(found)))
    if not found:
        names = [*known, *(k.rpartition(".")[2] for k in known), *short_names(known).values()]
        raise UsageError(f"no run has a setting '{name}'", nearest(name, names))
    return found[0]


def choose_metrics(names: Sequence[str] | None, available: Collection[str]) -> tuple[str, ...]:
    """Return the full names of the metrics that are asked for.

    Args:
        names: full or short names; ``["all"]``: all metrics; None: the default columns.
        available: the metrics that some run has.

    Raises: UsageError when a name means none, or more than one.
    """
    if names is None:
        usual = [name for name in default_columns() if name in available]
        return tuple([*usual, *_factor_information(available)] or sorted(available)[:1])
    if list(names) == ["all"]:
        usual = [name for name in default_columns() if name in available]
        return tuple(dict.fromkeys([*usual, *sorted(available)]))
    return tuple(dict.fromkeys(_choose_metric(name, available) for name in names))


def _factor_information(available: Collection[str]) -> list[str]:
    """Return I(factor; z_g) of every group, where there is one factor and there are few groups."""
    found = sorted(name for name in available if name.startswith("information/factor/"))
    factors = {name.rpartition("/")[2] for name in found}
    return found if len(factors) == 1 and len(found) <= _FEW_GROUPS else []


def _choose_metric(wanted: str, available: Collection[str]) -> str:
    """Return the metric that ends in a short name; of several, the least nested, of mean codes."""
    if wanted in available:
        return wanted
    found = [name for name in available if name.endswith(f"/{wanted}")]
    least = min((name.count("/") for name in found), default=0)
    found = [name for name in found if name.count("/") == least]
    found = [name for name in found if name.startswith(_MEAN)] or found
    if not found:
        found = [name for name in available if f"/{wanted}/" in f"/{name}"]
        if not found:
            names = [*available, *(name.rpartition("/")[2] for name in available)]
            hint = nearest(wanted, names) or "--metric list shows what there is"
            raise UsageError(f"no finished run has a metric '{wanted}'", hint)
    if len(found) > 1:
        raise UsageError(f"'{wanted}' may be any of several metrics", _few(sorted(found)))
    return found[0]


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
