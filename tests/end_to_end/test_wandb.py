"""A run on the command line with W&B: offline, online, and in the group of a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Vaerun
from tests.read_wandb import find_logs, read_wandb
from tests.stub_wandb import KEY, StubWandb

SMALL = (
    "dataset=digits",
    "metrics=none",
    "objective=hfvae",
    "beta=12",
    "gamma=4",
    "steps=10",
    "training.record_every=5",
    "evaluation.map_points=50",
    "evaluation.traversal_steps=3",
)
NO_NETWORK = {"WANDB_MODE": None, "WANDB_BASE_URL": "http://127.0.0.1:9"}
FIGURES = ("reconstructions", "samples", "traversals", "interpolation", "information", "latents")


def only_run(folder: Path) -> Path:
    (run,) = (folder / "outputs").glob("*/*")
    return run


def test_without_a_key_a_run_is_logged_offline(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(*SMALL, "wandb.tags=[paper,digits]", "wandb.group=mine", **NO_NETWORK)
    assert done.returncode == 0, done.stderr
    assert "offline: no API key" in done.stderr
    run = only_run(tmp_path)
    (log,) = find_logs(run)
    logged = read_wandb(log)
    assert logged.exit_code == 0
    assert logged.about["group"] == "mine"
    assert sorted(logged.about["tags"]) == ["digits", "paper"]
    values = {key: logged.config[key] for key in ("alpha", "beta", "gamma", "seed")}
    assert values == {"alpha": 1, "beta": 12, "gamma": 4, "seed": 0}
    assert logged.config["objective"]["name"] == "hfvae"
    losses = [row["loss"] for row in logged.history if "loss" in row]
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert losses == pytest.approx([record["loss"] for record in records])
    summary = json.loads((run / "summary.json").read_text())
    assert logged.summary["elbo"] == pytest.approx(summary["elbo"])
    assert logged.summary["terms/reconstruction"] == summary["terms"]["reconstruction"]
    pictures = {key.partition(".")[0] for row in logged.history for key in row}
    assert {f"figures/{name}" for name in FIGURES} <= pictures


def test_a_resumed_run_keeps_its_identity(vaerun: Vaerun, tmp_path: Path):
    assert vaerun(*SMALL, **NO_NETWORK).returncode == 0
    run = only_run(tmp_path)
    assert vaerun("resume", str(run), "steps=20", **NO_NETWORK).returncode == 0
    first, second = (read_wandb(log) for log in find_logs(run))
    assert first.about["id"] == second.about["id"]
    assert [row["step"] for row in second.history if "loss" in row] == [15, 20]


def test_with_a_key_and_a_server_a_run_is_logged_online(vaerun: Vaerun, tmp_path: Path):
    with StubWandb() as server:
        variables = {"WANDB_MODE": None, "WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
        done = vaerun(*SMALL, **variables)
        assert done.returncode == 0, done.stderr
        assert "online:" in done.stderr
        (logged,) = server.runs.values()
        assert logged.config["beta"]["value"] == 12
        columns = {"alpha": 1, "beta": 12, "gamma": 4, "seed": 0, "sweep_name": None}
        assert {key: logged.config[key]["value"] for key in columns} == columns
        assert logged.config["objective"]["value"]["name"] == "hfvae"
        axes = {metric.get("1") or metric["2"]: metric.get("5") for metric in logged.metrics}
        assert logged.metrics[axes["*"] - 1]["1"] == "step"
        assert [row["step"] for row in logged.history if "loss" in row] == [1, 5, 10]
        summary = json.loads((only_run(tmp_path) / "summary.json").read_text())
        assert logged.summary["elbo"] == pytest.approx(summary["elbo"])
        losses = [row["loss"] for row in logged.history if "loss" in row]
        assert logged.summary["loss"] == {"min": min(losses), "last": losses[-1]}
        for term, value in summary["terms"].items():
            assert logged.summary[f"terms/{term}"] == pytest.approx(value)
        assert {f"figures/{name}" for name in FIGURES} <= logged.summary.keys()
        assert logged.exit_code == 0


def test_runs_of_a_multirun_are_separate_even_after_one_failed(vaerun: Vaerun, tmp_path: Path):
    arguments = (*SMALL, "objective=vae", "steps=100", "-m", "learning_rate=1e6,0.001")
    assert vaerun(*arguments, **NO_NETWORK).returncode == 1
    failed, finished = (
        read_wandb(find_logs(run)[0]) for run in sorted((tmp_path / "outputs").glob("*/*/[01]"))
    )
    assert failed.exit_code == 4
    assert finished.exit_code == 0
    assert failed.about["id"] != finished.about["id"]
    assert failed.config["learning_rate"] == 1e6
    assert finished.config["learning_rate"] == 0.001
