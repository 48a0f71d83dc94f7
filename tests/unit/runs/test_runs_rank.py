"""The unsupervised ranking: runs of one dataset against each other, in the file of each."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console

from runner.config import MetricsConfig, RunConfig
from runner.runs.load import LoadedRun, RunLoader
from runner.runs.rank import RunCodes, rank


@pytest.fixture
def metrics(composed: Callable[..., RunConfig]) -> MetricsConfig:
    found = composed("metrics=fast").metrics
    assert found.udr is not None
    return replace(found, udr=replace(found.udr, samples=50))


def member(folder: Path, name: str, mean_MW: np.ndarray, dataset: str = "digits") -> RunCodes:
    path = folder / name
    path.mkdir(exist_ok=True)
    run = SimpleNamespace(folder=SimpleNamespace(path=path), step=3)
    return RunCodes(dataset, cast("LoadedRun", run), mean_MW, np.ones(mean_MW.shape[1]))


def scores(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / name / "scores.json").read_text())["scores"]["mean/udr"]


def test_runs_that_agree_are_ranked_above_one_that_does_not(metrics: MetricsConfig, tmp_path: Path):
    source = np.random.default_rng(0)
    codes_MW = source.normal(size=(200, 3))
    turned_MW = codes_MW @ np.linalg.qr(source.normal(size=(3, 3)))[0]
    members = [
        member(tmp_path, "a", codes_MW),
        member(tmp_path, "b", codes_MW[:, [2, 0, 1]] * -1),
        member(tmp_path, "c", turned_MW),
    ]
    rank(members, metrics, Console(file=io.StringIO()))
    for name in ("udr_lasso", "udr_spearman"):
        same, _, other = (scores(tmp_path, folder)["scores"][name] for folder in "abc")
        assert same > other
    assert scores(tmp_path, "a")["runs"] == [str(tmp_path / "b"), str(tmp_path / "c")]
    assert scores(tmp_path, "a")["seed"] == metrics.seed


def test_runs_of_other_datasets_and_a_run_alone_are_not_compared(
    metrics: MetricsConfig, tmp_path: Path
):
    codes_MW = np.random.default_rng(0).normal(size=(60, 2))
    members = [
        member(tmp_path, "a", codes_MW),
        member(tmp_path, "b", codes_MW),
        member(tmp_path, "alone", codes_MW, dataset="sprites"),
    ]
    rank(members, metrics, Console(file=io.StringIO()))
    assert scores(tmp_path, "a")["runs"] == [str(tmp_path / "b")]
    assert not (tmp_path / "alone" / "scores.json").exists()


def test_all_runs_see_the_same_images(finished: Path, metrics: MetricsConfig):
    run, _ = RunLoader(Console(file=io.StringIO())).open(finished)
    one, other = RunCodes.of(run, metrics), RunCodes.of(run, metrics)
    assert np.array_equal(one.mean_MW, other.mean_MW)
    assert one.mean_MW.shape == (50, 4)
    assert one.rate_W.shape == (4,)
    assert (one.rate_W >= 0).all()
    elsewhere = RunCodes.of(run, replace(metrics, seed=1))
    assert not np.array_equal(one.mean_MW, elsewhere.mean_MW)
