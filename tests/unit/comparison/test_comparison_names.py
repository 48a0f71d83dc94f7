"""Short names mean one thing, and a name that means nothing is answered with the nearest."""

from __future__ import annotations

import pytest

from runner.comparison.names import (
    choose_metrics,
    choose_setting,
    short_names,
    value_text,
)
from runner.errors import UsageError

METRICS = [
    "elbo",
    "rate",
    "terms/reconstruction",
    "information/rate/z_0",
    "scores/purity",
    "scores/mean/clustering/purity",
    "scores/mean/mig",
    "scores/sampled/mig",
    "scores/mean/mig/x",
    "scores/mean/sap/x",
    "scores/mean/dci/disentanglement",
    "scores/mean/dci/completeness",
    "scores/model/log_likelihood",
]

SETTINGS = ["objective.name", "prior.name", "prior.gamma", "gamma", "a.b.weight", "c.b.weight"]


def test_settings_have_short_names_no_two_alike():
    assert short_names(SETTINGS) == {
        "objective.name": "objective",
        "prior.name": "prior",
        "prior.gamma": "prior.gamma",
        "gamma": "gamma",
        "a.b.weight": "a.b.weight",
        "c.b.weight": "c.b.weight",
    }
    assert short_names(["objective.penalties.mmd.weight", "prior.dimensions"]) == {
        "objective.penalties.mmd.weight": "mmd.weight",
        "prior.dimensions": "dimensions",
    }


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gamma", "gamma"),
        ("prior", "prior.name"),
        ("prior.gamma", "prior.gamma"),
        ("a.b.weight", "a.b.weight"),
    ],
)
def test_a_setting_is_meant_by_its_short_name(word: str, meant: str):
    assert choose_setting(word, SETTINGS, []) == meant


def test_a_short_name_of_several_settings_is_refused_unless_one_varies():
    with pytest.raises(UsageError, match="may be any of several settings") as caught:
        choose_setting("weight", SETTINGS, [])
    assert caught.value.hint == "a.b.weight, c.b.weight"
    assert choose_setting("weight", SETTINGS, ["c.b.weight"]) == "c.b.weight"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("elbo", "elbo"),
        ("rate", "rate"),
        ("reconstruction", "terms/reconstruction"),
        ("mig", "scores/mean/mig"),
        ("sampled/mig", "scores/sampled/mig"),
        ("purity", "scores/purity"),
        ("clustering/purity", "scores/mean/clustering/purity"),
        ("completeness", "scores/mean/dci/completeness"),
        ("log_likelihood", "scores/model/log_likelihood"),
    ],
)
def test_a_figure_is_meant_by_its_short_name(word: str, meant: str):
    assert choose_metrics([word], METRICS) == (meant,)


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("migg", "no finished run has a metric 'migg'", "did you mean 'mig'?"),
        ("ebo", "no finished run has a metric 'ebo'", "did you mean 'elbo'?"),
        ("qqqq", "no finished run has a metric 'qqqq'", "--metric list shows what there is"),
        ("x", "'x' may be any of several", "scores/mean/mig/x, scores/mean/sap/x"),
        ("dci", "'dci' may be any of several", "completeness, scores/mean/dci/disentanglement"),
    ],
)
def test_a_figure_that_is_not_there_is_answered(word: str, message: str, hint: str):
    with pytest.raises(UsageError) as caught:
        choose_metrics([word], METRICS)
    assert message in caught.value.message
    assert hint in str(caught.value.hint)


def test_all_figures_come_the_usual_first_and_each_once():
    found = choose_metrics(["all"], METRICS)
    assert found[:3] == ("elbo", "terms/reconstruction", "rate")
    assert sorted(found) == sorted(METRICS)


def test_the_usual_figures_are_those_that_some_run_has():
    assert choose_metrics(None, ["terms/reconstruction", "x"]) == ("terms/reconstruction",)
    assert choose_metrics(None, ["zz", "x"]) == ("x",)
    assert choose_metrics(None, []) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4"),
        (0.0001, "0.0001"),
        (1.0000001, "1.0000001"),
        (10000, "10000"),
        (True, "true"),
        (None, ""),
        ((400, 200.5), "[400, 200.5]"),
        ("x", "x"),
    ],
)
def test_a_value_is_written_in_few_characters(value: object, text: str):
    assert value_text(value) == text
