"""A run from the command line: its files, its numbers, the order of its arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors import safe_open

from tests.end_to_end.conftest import Vaerun

SMALL = (
    "dataset=digits",
    "metrics=none",
    "steps=20",
    "training.record_every=5",
    "evaluation.map_points=50",
    "evaluation.traversal_steps=5",
)
FIGURES = ("reconstructions", "samples", "traversals", "interpolation", "information", "latents")


def only_run(folder: Path) -> Path:
    (run,) = (folder / "outputs").glob("*/*")
    return run


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


@pytest.mark.parametrize("prior", ["normal", "concrete_normal"])
def test_a_run_leaves_every_file_of_the_contract(vaerun: Vaerun, tmp_path: Path, prior: str):
    done = vaerun(*SMALL, f"prior={prior}", "objective=hfvae", "beta=3", "gamma=2")
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    assert done.stdout.strip() == f"outputs/{run.parent.name}/{run.name}"
    assert "Traceback" not in done.stderr
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["objective"]["weights"] == {
        "reconstruction": 1.0,
        "index_code_mi": 1.0,
        "group_total_correlation": 3.0,
        "within_group_total_correlation": 2.0,
        "dimension_wise_kl": 1.0,
    }
    unresolved = yaml.safe_load((run / "config_unresolved.yaml").read_text())
    assert "dataset=digits" in unresolved["composition"]["overrides"]
    assert not (run / ".hydra").exists()
    status = read(run / "status.json")
    assert (status["state"], status["step"], status["steps"]) == ("finished", 20, 20)
    assert status["images_per_second"] > 0
    assert status["error"] is None
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 5, 10, 15, 20]
    assert all(record["images_per_second"] > 0 for record in records)
    for name in FIGURES:
        assert (run / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert (run / "figures" / "traversal.gif").read_bytes()[:4] == b"GIF8"
    state = read(run / "checkpoint" / "state.json")
    assert state["state"]["step"] == 20
    for file in state["files"].values():
        with safe_open(run / "checkpoint" / file["name"], "pt") as tensors:
            assert len(list(tensors.keys())) > 4


def test_the_summary_s_terms_sum_to_the_negative_elbo(vaerun: Vaerun, tmp_path: Path):
    assert vaerun(*SMALL, "prior=concrete_normal").returncode == 0
    summary = read(only_run(tmp_path) / "summary.json")
    assert sum(summary["terms"].values()) == pytest.approx(-summary["elbo"])
    assert summary["encodings"] == 297
    assert summary["information"]["factor"].keys() == {"category", "style"}
    assert 0.1 <= summary["scores"]["purity"] <= 1
    assert sum(summary["information"]["rate"].values()) == pytest.approx(summary["rate"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("objective=beta_tcvae", "beta=9", "gamma=3"),
        ("beta=9", "objective=beta_tcvae", "gamma=3"),
        ("gamma=3", "beta=9", "objective=beta_tcvae"),
    ],
)
def test_the_order_of_arguments_does_not_matter(
    vaerun: Vaerun, tmp_path: Path, arguments: tuple[str, ...]
):
    done = vaerun("--cfg", "job", "--resolve", *arguments)
    weights = yaml.safe_load(done.stdout)["objective"]["weights"]
    assert weights["group_total_correlation"] == 9
    assert weights["dimension_wise_kl"] == 3


def test_two_runs_of_one_seed_agree_and_have_folders_of_their_own(vaerun: Vaerun, tmp_path: Path):
    assert vaerun(*SMALL).returncode == vaerun(*SMALL).returncode == 0
    first, second = sorted((tmp_path / "outputs").glob("*/*"))
    assert read(first / "summary.json") == read(second / "summary.json")


def test_steps_on_the_command_line_override_an_experiment_s_epochs(vaerun: Vaerun, tmp_path: Path):
    done = vaerun("experiment=hfvae_mnist", *SMALL)
    assert done.returncode == 0, done.stderr
    assert read(only_run(tmp_path) / "status.json")["steps"] == 20


def test_epochs_count_the_training_images(vaerun: Vaerun, tmp_path: Path):
    arguments = [each for each in SMALL if not each.startswith("steps")]
    assert vaerun(*arguments, "epochs=2", "batch_size=100").returncode == 0
    assert read(only_run(tmp_path) / "status.json")["steps"] == 2 * 15


def test_a_diverged_run_keeps_its_last_good_checkpoint(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(*SMALL, "learning_rate=1e6", "objective=vae", "steps=200")
    assert done.returncode == 4, done.stderr
    assert "no longer a finite number at step" in done.stderr
    run = only_run(tmp_path)
    assert read(run / "status.json")["state"] == "diverged"
    assert read(run / "checkpoint" / "state.json")["state"]["step"] == 0


def test_a_multirun_goes_on_after_a_failed_run(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(*SMALL, "-m", "objective=vae", "learning_rate=1e6,0.001", "steps=100")
    assert done.returncode == 1
    runs = sorted((tmp_path / "outputs").glob("*/*-multirun/[01]"))
    assert [read(run / "status.json")["state"] for run in runs] == ["diverged", "finished"]
