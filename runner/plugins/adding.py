"""The functions by which a file adds its pieces: each is checked where it is added."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any

from runner.errors import UsageError, nearest
from runner.plugins.collecting import caller, collect
from runner.plugins.pieces import Piece, Place, settings_class, with_setting

NEEDS = ("density", "prior_draws", "labels")
"""What a penalty may need: q(z|x) a distribution, draws from p(z), the labels of the images."""

_BETTER = {"high": "higher", "low": "lower", "higher": "higher", "lower": "lower", None: None}
_OF = ("run", "comparison")
_NO_NAMES = ("null", "none", "true", "false", "nan", "inf")

_TAKES: Mapping[str, tuple[str, int]] = {
    "dataset": ("(data_dir, device), and its settings by keyword", 2),
    "network": ("(settings, shapes)", 2),
    "prior": ("(settings, images)", 2),
    "likelihood": ("(settings)", 1),
    "penalty": ("(settings, inputs)", 2),
    "metric": ("(codes), and seed and its settings by keyword", 1),
    "figure": ("(run) or (comparison)", 1),
}
"""Kind → what its function takes, and how many of that by position."""

_DIMENSIONS = 10
"""Of a prior whose settings do not say how many."""

Settings = type | Mapping[str, Any] | None
"""A dataclass, a dict of defaults, or nothing to set."""


def add_dataset(
    name: str,
    load: Callable[..., Any],
    *,
    settings: Settings = None,
    network: str | None = "conv",
    help: str = "",
) -> None:
    """Add ``dataset=NAME``.

    Args:
        name: what it is chosen by.
        load: (data_dir, device, its settings by keyword) → :class:`runner.dataset.Dataset`.
        settings: its settings, ``dataset.KEY``.
        network: the ``architecture`` that it brings unless one is chosen; None: the usual one.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    _add("dataset", name, load, settings, help, {"network": network})


def add_network(
    name: str, build: Callable[..., Any], *, settings: Settings = None, help: str = ""
) -> None:
    """Add ``architecture=NAME``.

    Args:
        name: what it is chosen by.
        build: (settings, :class:`runner.model.NetworkShapes`) → encoder and decoder: modules from
            images (B, C, H, W) to (B, P) and from z (B, W) to (B, K, H, W).
        settings: its settings, ``architecture.KEY``.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    _add("network", name, build, settings, help)


def add_prior(
    name: str, build: Callable[..., Any], *, settings: Settings = None, help: str = ""
) -> None:
    """Add ``prior=NAME``.

    Args:
        name: what it is chosen by.
        build: (settings, :class:`runner.model.PriorImages`) → :class:`runner.model.Prior`, the
            density of ``settings.dimensions`` continuous variables.
        settings: its settings, ``prior.KEY``, beside those that every prior has.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    _add("prior", name, build, settings, help)


def add_likelihood(
    name: str, build: Callable[..., Any], *, settings: Settings = None, help: str = ""
) -> None:
    """Add ``likelihood=NAME``.

    Args:
        name: what it is chosen by.
        build: (settings) → :class:`runner.model.Likelihood`.
        settings: its settings, ``likelihood.KEY``.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    _add("likelihood", name, build, settings, help)


def add_penalty(
    name: str,
    value: Callable[..., Any],
    *,
    settings: Settings = None,
    needs: Sequence[str] = (),
    help: str = "",
) -> None:
    """Add ``objective.penalties.NAME``, which is off at ``weight`` 0, the default.

    Args:
        name: what it is called.
        value: (settings, :class:`runner.training.PenaltyInputs`) → a scalar tensor, which the step
            multiplies by the weight. Settings of the type ``Value`` come as numbers of the step.
        settings: its settings beside ``weight``; ``weight`` among them sets its default.
        needs: of ``density``, ``prior_draws``, ``labels``.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    wrong = [need for need in ([needs] if isinstance(needs, str) else needs) if need not in NEEDS]
    if wrong or isinstance(needs, str):
        hint = nearest(str(wrong[0]), NEEDS) if wrong else "needs=('density',)"
        text = f"{caller()}: needs must be a list of {', '.join(NEEDS)}, got {needs!r}"
        raise UsageError(text, hint)
    _add("penalty", name, value, settings, help, {"needs": tuple(needs)})


def add_metric(  # noqa: PLR0913 - what tables say of it
    name: str,
    score: Callable[..., Any],
    *,
    settings: Settings = None,
    better: str | None = None,
    title: str = "",
    factors: int = 0,
    help: str = "",
) -> None:
    """Add ``metrics.NAME``, which is computed unless it is null or ``metrics=none``.

    Args:
        name: what it is called.
        score: (:class:`runner.metric.Codes`, seed and its settings by keyword) → numbers by name;
            the main one under ``name`` itself.
        settings: its settings, ``metrics.NAME.KEY``.
        better: ``high`` or ``low``, where one is better.
        title: its name in tables and figures.
        factors: how many factors of the images it needs at least.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    if better not in _BETTER:
        raise UsageError(f"{caller()}: better must be 'high', 'low' or None, got {better!r}")
    options = {"better": _BETTER[better], "title": title or name.replace("_", " ")}
    _add("metric", name, score, settings, help, {**options, "factors": factors})


def add_figure(name: str, draw: Callable[..., Any], *, of: str = "run", help: str = "") -> None:
    """Add the figure ``figures/NAME.png`` of every run, or of every comparison.

    Args:
        name: the name of its file.
        draw: (:class:`runner.runs.load.LoadedRun`), or
            (:class:`runner.comparison.configurations.Comparison`), → a figure of Matplotlib, or
            None where there is nothing to draw.
        of: ``run`` or ``comparison``.
        help: one line on it.

    Raises: UsageError naming the line of the call.
    """
    if of not in _OF:
        hint = nearest(str(of), _OF)
        raise UsageError(f"{caller()}: of must be 'run' or 'comparison', got {of!r}", hint)
    _add("figure", name, draw, None, help, {"of": of})


def _add(  # noqa: PLR0913, PLR0917 - what is said of a piece
    kind: str,
    name: str,
    function: Callable[..., Any],
    settings: Settings,
    help_text: str,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    place = caller()
    if not re.fullmatch(r"[A-Za-z_]\w*", str(name), re.ASCII):
        hint = "letters, digits and _, the first no digit"
        raise UsageError(f"{place}: the name of a {kind} must be a plain word, got {name!r}", hint)
    if name.lower() in _NO_NAMES:
        raise UsageError(f"{place}: a {kind} cannot be named '{name}', which stands for a value")
    if not callable(function):
        raise UsageError(f"{place}: {kind} '{name}' needs a function, got {function!r}")
    try:
        kinds = settings_class(settings)
    except ValueError as error:
        raise UsageError(f"{place}: {kind} '{name}': {error}") from error
    if kind == "prior":
        kinds = with_setting(kinds, "dimensions", _DIMENSIONS)
    text = help_text or (inspect.getdoc(function) or "").partition("\n")[0]
    piece = Piece(kind, name, function, kinds, " ".join(text.split()), place, dict(options))
    _check_defaults(piece)
    _check_signature(piece, place)
    collect(piece)


def _check_defaults(piece: Piece) -> None:
    """Refuse settings without a default where every run has them, whatever it chooses."""
    missing = [
        f.name
        for f in fields(piece.settings)
        if f.default is MISSING and f.default_factory is MISSING
    ]
    if missing and piece.kind in ("penalty", "metric"):
        raise UsageError(f"{piece.place}: {piece.title}: its setting '{missing[0]}' has no default")


def _check_signature(piece: Piece, place: Place) -> None:
    """Refuse a function that cannot be called as it will be."""
    takes, positional = _TAKES[piece.kind]
    by_keyword = {"metric": ["seed"], "dataset": []}.get(piece.kind)
    names = [] if by_keyword is None else [*by_keyword, *(f.name for f in fields(piece.settings))]
    try:
        signature = inspect.signature(piece.function)
    except (TypeError, ValueError):  # one written in C says nothing of what it takes
        return
    try:
        signature.bind(*[None] * positional, **dict.fromkeys(names))
    except TypeError as error:
        raise UsageError(
            f"{place}: the function of {piece.title} must take {takes}: {error}",
            f"it takes {signature}",
        ) from error
