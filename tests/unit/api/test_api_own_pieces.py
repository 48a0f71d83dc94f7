"""Runs with own pieces, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import runner
from runner.errors import UsageError
from runner.plugins import active

PIECES = Path(__file__).parents[3] / "examples" / "my_pieces" / "my_pieces.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> runner.Run:
    config = runner.compose(
        f"plugins=[{PIECES}]",
        "dataset=digits",
        "objective=orthogonal_vae",
        "prior=scaled_normal",
        "architecture=narrow",
        "steps=4",
        "metrics=none",
        "evaluation.encodings=50",
        "evaluation.map_points=20",
        "device=cpu",
        f"out={tmp_path_factory.mktemp('own')}",
    )
    return runner.train(config)


def test_a_run_with_own_pieces_is_trained_opened_used_and_scored(run: runner.Run):
    assert run.state == "finished"
    opened = runner.load_run(run.path)
    assert opened.config.architecture.name == "narrow"
    images = opened.sample(3)
    assert opened.encode(images).means.shape == (3, 6)
    numbers = opened.evaluate("correlation")
    assert any("correlation" in name for name in numbers)


def test_no_piece_is_left(run: runner.Run):
    _ = runner.load_run(run.path).config
    assert active() == ()
    with pytest.raises(UsageError, match="narrow"):
        runner.compose("dataset=digits", "architecture=narrow")


def test_a_strangers_code_is_not_run_without_trust(run: runner.Run):
    signature = run.path / ".config.yaml.signature"
    content = signature.read_bytes()
    signature.unlink()
    try:
        with pytest.raises(UsageError, match="it would run the code of"):
            runner.load_run(run.path)
        assert runner.load_run(run.path, trust=True).config.prior.name == "scaled_normal"
    finally:
        signature.write_bytes(content)
