"""One small run, trained by ``runner.train``, which the tests of this room open."""

from __future__ import annotations

from pathlib import Path

import pytest

import runner

SMALL = (
    "dataset=digits",
    "metrics=none",
    "architecture.widths=[8]",
    "prior=concrete_normal",
    "prior.dimensions=3",
    "objective=hfvae",
    "steps=4",
    "training.record_every=2",
    "evaluation.encodings=40",
    "evaluation.map_points=10",
    "evaluation.traversal_steps=3",
    "device=cpu",
)


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs."""
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="session")
def trained(out: Path) -> runner.Run:
    """A run of the digits with a categorical and three normal variables; tests do not change it."""
    return runner.train(runner.compose(*SMALL, f"out={out}"))
