"""scores.json: written at every change, dropped for another step or other settings."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from runner.errors import DataError
from runner.store.scores_file import ScoresFile

ENTRY = {"settings": {"bins": 20}, "seed": 0, "seconds": 1.5, "scores": {"mig": 0.25}}


def test_a_score_is_reused_with_the_same_settings(tmp_path: Path):
    path = tmp_path / "scores.json"
    ScoresFile(path, {"step": 10}).put("mean/mig", ENTRY)
    again = ScoresFile(path, {"step": 10})
    assert again.has("mean/mig", {"settings": {"bins": 20}, "seed": 0})
    assert not again.has("mean/mig", {"settings": {"bins": 10}, "seed": 0})
    assert not again.has("mean/mig", {"settings": {"bins": 20}, "seed": 1})
    assert not again.has("sampled/mig", {"settings": {"bins": 20}, "seed": 0})
    assert again.numbers() == {"mean/mig": 0.25}


def test_standard_errors_have_the_names_of_their_numbers(tmp_path: Path):
    scores_file = ScoresFile(tmp_path / "scores.json", {"step": 1})
    scores_file.put("mean/mig", ENTRY | {"standard_errors": {"mig": 0.01}})
    scores_file.put("mean/sap", ENTRY)
    again = ScoresFile(scores_file.path, {"step": 1})
    assert again.standard_errors() == {"mean/mig": 0.01}


def test_scores_of_an_earlier_step_are_dropped(tmp_path: Path):
    path = tmp_path / "scores.json"
    ScoresFile(path, {"step": 10}).put("mean/mig", ENTRY)
    later = ScoresFile(path, {"step": 20})
    assert later.entries == {}
    later.put("mean/sap", ENTRY)
    assert list(json.loads(path.read_text())["scores"]) == ["mean/sap"]


def test_opening_writes_nothing(tmp_path: Path):
    ScoresFile(tmp_path / "scores.json", {"step": 1})
    assert not list(tmp_path.iterdir())


def test_a_score_without_values_is_stored(tmp_path: Path):
    scores_file = ScoresFile(tmp_path / "scores.json", {"step": 1})
    scores_file.put("mean/dci", {**ENTRY, "refused": "needs two factors", "scores": {}})
    assert ScoresFile(scores_file.path, {"step": 1}).has("mean/dci", {"seed": 0})
    assert scores_file.numbers() == {}


def test_what_is_not_finite_becomes_null(tmp_path: Path):
    scores_file = ScoresFile(tmp_path / "scores.json", {"step": 1})
    scores_file.put("mean/mig", {"scores": {"mig": math.nan}})
    assert json.loads(scores_file.path.read_text())["scores"]["mean/mig"]["scores"] == {"mig": None}


def test_a_corrupt_file_is_named(tmp_path: Path):
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(DataError, match=r"scores\.json' is corrupt"):
        ScoresFile(tmp_path / "scores.json", {})
