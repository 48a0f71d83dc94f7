"""Values that no metric can use: no images, a quantile beyond 1, a code that there is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise

from runner.config.metrics_schema import CODES, PROBES, MetricsConfig
from runner.config.rule import Rule

_ZERO_ALLOWED = ("least_spread", "least_rate", "least_range")
_AT_LEAST_TWO = ("bins", "batch", "encodings", "most_classes", "words", "documents")
_OPTIONAL: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "reference": ("a path", lambda path: bool(str(path).strip())),
    "window": ("at least 2 words", lambda words: isinstance(words, int) and words >= 2),
}
_CAPACITIES = {"features": 1, "widths": 0, "depths": 1}
"""Sizes of probes of growing capacity, and the least that there is."""


def metrics_rules(metrics: MetricsConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is)."""
    yield "metrics.seed", metrics.seed, "between 0 and 2**32 - 1", 0 <= metrics.seed < 2**32
    images = metrics.images
    yield "metrics.images", images, "at least 2, or null", images is None or images >= 2
    bins = metrics.factor_bins
    yield "metrics.factor_bins", bins, "at least 2, or null", bins is None or bins >= 2
    repeats = metrics.repeats
    yield "metrics.repeats", repeats, "at least 2, or null", repeats is None or repeats >= 2
    known = bool(metrics.codes) and set(metrics.codes) <= set(CODES)
    yield "metrics.codes", metrics.codes, f"a list of {', '.join(CODES)}", known
    if metrics.topic_coherence is not None:
        window, reference = metrics.topic_coherence.window, metrics.topic_coherence.reference
        holds = window is None or reference is not None
        rule = "null without metrics.topic_coherence.reference: counts have no order of words"
        yield "metrics.topic_coherence.window", window, rule, holds
    for metric in fields(metrics):
        if metric.name not in MetricsConfig.__dataclass_fields__:
            continue  # an own one takes whatever its types do
        settings = getattr(metrics, metric.name)
        for name, value in vars(settings).items() if hasattr(settings, "__dict__") else ():
            yield _rule(f"metrics.{metric.name}.{name}", name, value)


def _rule(key: str, name: str, value: object) -> Rule:
    must, fits = _condition(name, value)
    return key, value, must, fits


def _condition(name: str, value: object) -> tuple[str, bool]:
    """Return what a setting must be, and whether it is."""
    if name == "probe":
        return f"one of {', '.join(PROBES)}", value in PROBES
    if isinstance(value, list):
        sizes = [size for size in value if isinstance(size, int)]  # the schema lets nothing else in
        if name in _CAPACITIES:
            return _capacities(sizes, _CAPACITIES[name])
        return "numbers of images, 1 or more each", bool(sizes) and min(sizes) >= 1
    if isinstance(value, bool):
        return "true or false", True
    if name in _OPTIONAL:
        must, fits = _OPTIONAL[name]
        return f"{must}, or null", value is None or fits(value)
    return _number(name, value if isinstance(value, (int, float)) else 0)


def _number(name: str, number: float) -> tuple[str, bool]:
    if name == "quantile":
        return "between 0 and 1", 0 < number <= 1
    if name in _ZERO_ALLOWED:
        return "zero or a positive number", number >= 0
    if name == "lasso":
        return "a positive number", number > 0
    least = 2 if name in _AT_LEAST_TWO else 1
    return f"at least {least}", number >= least


def _capacities(sizes: Sequence[int], least: int) -> tuple[str, bool]:
    """Return the rule of the sizes of probes: a curve has two ends."""
    grow = len(sizes) > 1 and all(low < high for low, high in pairwise(sizes))
    return f"two or more growing numbers from {least}", grow and sizes[0] >= least
