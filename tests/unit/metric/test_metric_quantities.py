"""Every quantity has one row, which says its titles, unit and better direction."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields

import pytest

from runner.config import MetricsConfig
from runner.config.metrics_schema import SHARED
from runner.evaluation.model_scores import MODEL_SCORES
from runner.metric import METRICS
from runner.metric.number_text import number_text
from runner.metric.quantities import (
    QUANTITIES,
    brief_name,
    default_columns,
    quantity,
    shown_in,
)


def filled(name: str) -> str:
    """Return a name that matches a pattern."""
    return re.sub(r"<\w+>", "x", name.replace("<codes>", "mean").replace("<size>", "100"))


@pytest.mark.parametrize("row", QUANTITIES, ids=lambda row: row.name)
def test_a_name_finds_its_own_row(row):
    found = quantity(filled(row.name))
    assert (found.unit, found.better, found.family) == (row.unit, row.better, row.family)
    assert "<" not in found.title + found.short
    assert len(found.short) <= len(found.title)


@pytest.mark.parametrize(
    ("name", "title", "short", "unit", "sign"),
    [
        ("elbo", "ELBO", "ELBO", "nats", 1),
        ("terms/index_code_mi", "index-code MI", "MI", "nats", 0),
        ("terms/reconstruction", "reconstruction", "reconstruction", "nats", -1),
        ("information/factor/style/label", "I(label; style)", "I(label; style)", "nats", 0),
        ("information/variable/z_0", "I(x; z_0)", "I(x; z_0)", "nats", 0),
        ("information/rate/z_0", "rate of z_0", "rate of z_0", "nats", 0),
        ("scores/mean/mig", "mutual information gap", "MIG", "", 1),
        ("scores/mean/mig/shape", "mutual information gap of shape", "MIG of shape", "", 0),
        ("scores/sampled/mig", "mutual information gap (sampled codes)", "MIG (sampled)", "", 1),
        ("scores/mean/eastwood_williams/informativeness",
         "Eastwood-Williams informativeness (prediction error)", "E-W prediction error", "", -1),
        ("scores/purity_left", "cluster purity of left", "purity of left", "", 1),
        ("scores/mean/downstream_boosted/100", "accuracy of boosted trees from 100 images",
         "boosted trees from 100", "", 1),
        ("distances/mmd", "MMD of q(z) and p(z)", "MMD", "", -1),
    ],
)  # fmt: skip
def test_titles_units_and_directions(name: str, title: str, short: str, unit: str, sign: int):
    found = quantity(name)
    assert (found.name, found.title, found.short) == (name, title, short)
    assert (found.unit, found.sign) == (unit, sign)


def test_a_quantity_without_a_row_is_shown_by_its_name():
    found = quantity("scores/mean/my_score/some_part")
    assert (found.title, found.short) == ("my score some part", "my_score/some_part")
    assert (found.unit, found.sign) == ("", 0)
    assert quantity("terms/own").unit == "nats"
    assert quantity("scores/mean/downstream_boosted/100_min").sign == 0
    assert quantity("x/elbo").sign == 0


def test_titles_end_with_their_unit():
    assert quantity("terms/index_code_mi").title_with_unit == "index-code MI, nats"
    assert quantity("terms/index_code_mi").short_with_unit == "MI, nats"
    assert quantity("scores/mean/mig").short_with_unit == "MIG"


def test_short_names_omit_prefixes():
    assert brief_name("scores/mean/mig") == "mig"
    assert brief_name("scores/sampled/mig") == "sampled/mig"
    assert brief_name("terms/reconstruction") == "reconstruction"
    assert brief_name("elbo") == "elbo"


def test_the_default_columns_begin_with_what_is_optimised():
    columns = default_columns()
    assert columns[:4] == ("elbo", "terms/reconstruction", "rate", "terms/index_code_mi")
    assert len(set(columns)) == len(columns)
    assert not any("<" in name for name in columns)
    places = [row.column for row in QUANTITIES if row.column is not None]
    assert len(set(places)) == len(places)


def test_a_run_shows_its_loss_while_it_trains_and_its_elbo_at_the_end():
    assert shown_in("live")[0].name == "loss"
    assert [row.name for row in shown_in("summary")][::6] == ["elbo", "rate"]
    assert {row.family for row in shown_in("workspace")} == {"terms"}


def test_the_table_imports_nothing_heavy():
    script = (
        "import sys, runner.metric.quantities\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'wandb'} & sys.modules.keys()\n"
        "raise SystemExit(', '.join(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (1234.5, {}, "1234.5"),
        (1234.5, {"group": ","}, "1,234.5"),
        (-1.25, {"minus": "\N{MINUS SIGN}"}, "\N{MINUS SIGN}1.2"),
        (-0.001, {}, "0.0"),
        (-0.001, {"signed": True}, "0.0"),
        (0.001, {"signed": True}, "0.0"),
        (2.0, {"signed": True}, "+2.0"),
        (float("nan"), {"signed": True}, "nan"),
        (None, {}, "-"),
    ],
)
def test_numbers_are_written_with_fixed_decimals(value, options, text):
    assert number_text(value, 1, **options) == text


def test_every_score_that_has_settings_has_a_row_and_is_computed():
    """A score in the schema alone would be asked for and silently left out."""
    scores = {field.name for field in fields(MetricsConfig) if field.name not in SHARED}
    assert scores - {"udr"} == METRICS.keys() | MODEL_SCORES.keys()  # udr is of several runs
    assert scores <= {row.family for row in QUANTITIES}
