"""Small runs on the digits: a run of eight steps, finished once for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from runner.config import RunConfig
from runner.method import vae
from runner.runs import train as story
from runner.store.checkpoint import load as load_checkpoint

SMALL = (
    "debug=default",
    "dataset=digits",
    "architecture.widths=[8]",
    "prior.dimensions=4",
    "objective=hfvae",
    "objective.encodings=256",  # a memory bank, which a checkpoint has to hold as well
    "steps=8",
    "training.record_every=2",
    "evaluation.encodings=40",
    "evaluation.map_points=10",
    "evaluation.traversal_steps=2",
    "device=cpu",
)

Settings = Callable[..., RunConfig]


@pytest.fixture(scope="session")
def small(composed: Settings) -> Settings:
    """``small("steps=3")``: settings of a run of a second."""
    return lambda *overrides: composed(*SMALL, *overrides)


@pytest.fixture(scope="session")
def finished(small: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped. Tests do not change it."""
    path = tmp_path_factory.mktemp("runs") / "finished"
    story.start(small(), path)
    return path


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """``during(event)`` calls ``event(step)`` after every step of the runs of a test."""

    def during(event: Callable[[int], None]) -> None:
        real = vae.train

        def watched(state, *rest) -> Iterator[object]:
            for record in real(state, *rest):
                event(state.step)
                yield record

        monkeypatch.setattr(vae, "train", watched)

    return during


def tensors_of(run: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a run's checkpoint, by file and name."""
    files = load_checkpoint(run / "checkpoint").tensors
    return {f"{stem}/{name}": value for stem, part in files.items() for name, value in part.items()}
