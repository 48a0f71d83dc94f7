"""The estimate of training beside the evaluation: what it is the mean of, and what is told."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from runner.evaluation import encode
from runner.objective import TERM_NAMES, decompose
from runner.runs.load import LoadedRun, RunLoader


@pytest.fixture
def run(finished: Path) -> LoadedRun:
    return RunLoader(Console(file=io.StringIO())).open(finished)[0]


def estimated(run: LoadedRun, count: int) -> dict[str, Any]:
    source = torch.Generator().manual_seed(0)
    encodings = encode(run.representation, run.dataset.test, count, source)
    summary: dict[str, Any] = {"terms": dict.fromkeys(TERM_NAMES, 0.0), "warnings": []}
    run.method.add_estimates(run.config, run.step, encodings, summary)
    return summary


def test_a_finished_run_has_both_estimates_of_every_term(finished: Path):
    summary = json.loads((finished / "summary.json").read_text())
    found = summary["training_estimate"]
    assert list(found["terms"]) == list(summary["terms"]) == list(TERM_NAMES)
    assert set(found["standard_errors"]["terms"]) == set(TERM_NAMES)
    assert found["in_loss"]
    assert found["terms"]["reconstruction"] == pytest.approx(
        summary["terms"]["reconstruction"], rel=0.1
    )


def test_its_encodings_are_those_of_a_minibatch_and_the_bank(run: LoadedRun):
    found = estimated(run, 290)["training_estimate"]
    batch = run.config.batch_size
    assert found["encodings"] == run.config.objective.encodings == 256
    assert found["minibatches"] == min(50, 290 // batch)
    assert found["images"] == run.dataset.train.size


def test_one_minibatch_without_a_bank_is_the_plain_estimate_with_all_images(run: LoadedRun):
    """As a step computes it, but for the draws: the weights have N of the training images."""
    run.config.objective.encodings, run.config.batch_size = None, 290
    source = torch.Generator().manual_seed(0)
    every = encode(run.representation, run.dataset.test, 290, source)
    latents, own, size = run.model.latents, every.parameters_MP, run.dataset.train.size
    log_weights = torch.full((290, 290), float(torch.tensor((size - 1) / (size * 289.0)).log()))
    log_weights.fill_diagonal_(float(-torch.tensor(float(size)).log()))
    draws = []
    for seed in range(10):
        noise = latents.noise(290, torch.Generator().manual_seed(seed))
        densities = latents.densities(latents.sample(own, noise), own, own)
        draws.append(decompose(densities, torch.tensor(0.0), log_weights).terms.stack()[1:])
    found = estimated(run, 290)["training_estimate"]
    assert found["minibatches"] == 1
    assert found["standard_errors"]["terms"]["index_code_mi"] is None
    got = torch.tensor([found["terms"][name] for name in TERM_NAMES[1:]])
    each = torch.stack(draws)
    assert ((got - each.mean(0)).abs() <= 4 * each.std(0) + 1e-6).all()


def test_an_estimate_that_stands_at_its_cap_is_told(run: LoadedRun):
    """Encodings so sharp that no other is near: MI is log N, more than so many can tell."""
    run.config.objective.encodings, run.config.batch_size = None, 20
    layer = run.model.encoder[-1]
    with torch.no_grad():
        layer.bias[4:] = -9.0
    summary = estimated(run, 290)
    told = [each for each in summary["warnings"] if "index-code MI" in each]
    assert len(told) == 1
    assert "is at its cap" in told[0]


def test_a_loss_without_the_estimate_has_no_warning(run: LoadedRun):
    run.config.objective.encodings, run.config.batch_size = None, 20
    with torch.no_grad():
        run.model.encoder[-1].bias[4:] = -9.0
    weights = run.config.objective.weights
    for name in TERM_NAMES:
        setattr(weights, name, 1.0)
    summary = estimated(run, 290)
    assert not summary["training_estimate"]["in_loss"]
    assert summary["warnings"] == []
