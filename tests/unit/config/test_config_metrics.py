"""The settings of scores: every choice composes, and a wrong word is named with the right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass

import pytest

from runner import config as settings
from runner.config import MetricsConfig, RunConfig
from runner.config.metrics_schema import SHARED
from runner.errors import UsageError
from runner.evaluation.model_scores import MODEL_SCORES
from runner.metric import METRICS

NAMES = [f.name for f in fields(MetricsConfig) if f.name not in SHARED]


def test_every_metric_has_settings_and_every_setting_a_metric():
    assert sorted(NAMES) == sorted([*METRICS, *MODEL_SCORES, "udr"])


@pytest.mark.parametrize("name", ["fast", "reference", "topics", "none"])
def test_a_choice_is_the_same_for_a_new_run_and_for_an_old_one(
    composed: Callable[..., RunConfig], name: str
):
    assert settings.metrics(name, []) == composed(f"metrics={name}").metrics


def test_none_asks_for_nothing_and_reference_for_everything_that_is_installed():
    assert not any(is_dataclass(getattr(settings.metrics("none", []), n)) for n in NAMES)
    reference = settings.metrics("reference", [])
    of_counts = ["perplexity", "topic_coherence", "topic_diversity"]
    assert [n for n in NAMES if getattr(reference, n) is None] == ["dci_lightgbm", *of_counts]


def test_settings_can_be_changed_one_by_one_or_as_a_whole():
    words = ["metrics.mig.bins=5", "metrics.dci={train: 10, test: 5}", "metrics.irs=null"]
    found = settings.metrics("fast", words)
    assert found.mig
    assert found.dci
    assert (found.mig.bins, found.dci.train, found.irs) == (5, 10, None)


@pytest.mark.parametrize(
    ("name", "word", "message", "hint"),
    [
        ("fats", "", "unknown metrics 'fats'", "did you mean 'fast'?"),
        ("fast", "metrics.mig.bin=3", "metrics.mig.bin", "did you mean 'metrics.mig.bins'?"),
        ("fast", "metrics.mgi.bins=3", "metrics.mgi", "did you mean 'metrics.mig.bins'?"),
        ("fast", "metrics.mig.bins=x", "metrics.mig.bins must be a whole number, got 'x'", None),
        ("fast", "metrics.mig.bins=1", "metrics.mig.bins must be at least 2, got 1", None),
        (
            "fast",
            "metrics.dci.train=5",
            "metrics.dci.test has no value",
            "metrics.dci.test=VALUE; vaerun list metrics.dci",
        ),
        ("fast", "metrics.codes=[men]", "metrics.codes must be a list of mean, sampled", None),
        ("fast", "metrics.seed=-1", "metrics.seed must be between 0 and", None),
        ("fast", "metrics.irs.quantile=2", "metrics.irs.quantile must be between 0 and 1", None),
        ("fast", "metrics.udr.lasso=0", "metrics.udr.lasso must be a positive number", None),
        ("fast", "metrics.factor_vae.least_spread=-1", "must be zero or a positive number", None),
        ("reference", "metrics.downstream_boosted.train=[]", "must be numbers of images", None),
        ("reference", "metrics.downstream_boosted.train=[0]", "must be numbers of images", None),
        ("reference", "metrics.dci_es.probe=tree", "must be one of fourier, mlp, forest", None),
        ("reference", "metrics.dci_es.widths=[8]", "two or more growing numbers from 0", None),
        ("reference", "metrics.dci_es.depths=[0,8]", "two or more growing numbers from 1", None),
        ("reference", "metrics.dci_es.features=[8,8]", "two or more growing numbers from 1", None),
        ("reference", "metrics.dci_es.most_classes=1", "must be at least 2, got 1", None),
        ("fast", "metrics.infom.least_range=-1", "must be zero or a positive number", None),
        ("fast", "metrics.infoe.held_out=half", "metrics.infoe.held_out must be true", None),
        ("fast", "metrics.repeats=1", "metrics.repeats must be at least 2, or null", None),
        ("fast", "metrics.images=1", "metrics.images must be at least 2, or null", None),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(name: str, word: str, message: str, hint: str | None):
    with pytest.raises(UsageError) as error:
        settings.metrics(name, [word] if word else [])
    assert message in error.value.message
    assert "\n" not in error.value.message
    assert error.value.hint == hint


def test_the_same_rules_hold_for_a_new_run(composed: Callable[..., RunConfig]):
    with pytest.raises(UsageError, match=r"metrics\.mig\.bins must be at least 2"):
        composed("metrics.mig.bins=1")
