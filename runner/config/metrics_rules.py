"""Values that no metric can use: no images, a quantile beyond 1, a code that there is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from runner.config.metrics_schema import CODES, MetricsConfig
from runner.config.rule import Rule

_ZERO_ALLOWED = ("least_spread", "least_rate")


def metrics_rules(metrics: MetricsConfig) -> Iterator[Rule]:
    """Yield (key, value, what the value must be, whether it is)."""
    yield "metrics.seed", metrics.seed, "between 0 and 2**32 - 1", 0 <= metrics.seed < 2**32
    images = metrics.images
    yield "metrics.images", images, "at least 2, or null", images is None or images >= 2
    bins = metrics.factor_bins
    yield "metrics.factor_bins", bins, "at least 2, or null", bins is None or bins >= 2
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
    if isinstance(value, list):
        sizes = [size for size in value if isinstance(size, int)]  # the schema lets nothing else in
        return key, value, "numbers of images, 1 or more each", bool(sizes) and min(sizes) >= 1
    if name in ("reference", "window"):
        return _of_reference(key, name, value)
    number = value if isinstance(value, (int, float)) else 0
    if name == "quantile":
        return key, value, "between 0 and 1", 0 < number <= 1
    if name in _ZERO_ALLOWED or name == "lasso":
        words = "a positive number" if name == "lasso" else "zero or a positive number"
        return key, value, words, number > 0 or (number == 0 and name != "lasso")
    least = 2 if name in ("bins", "batch", "encodings", "words", "documents") else 1
    return key, value, f"at least {least}", number >= least


def _of_reference(key: str, name: str, value: object) -> Rule:
    if name == "reference":
        return key, value, "a path, or null", value is None or bool(str(value).strip())
    holds = value is None or (isinstance(value, int) and value >= 2)
    return key, value, "at least 2 words, or null", holds
