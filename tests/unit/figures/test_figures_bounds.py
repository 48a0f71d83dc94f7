"""Figures of very many things: some of them, and a line that says so."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import torch
from rich.console import Console

from runner.config import RunConfig
from runner.console.part_display import PartDisplay
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.figures import of_comparison, of_run
from runner.figures.of_run import RunFigures
from runner.model import build
from tests.conftest import represent
from tests.made_comparison import grid


@pytest.fixture
def run_figures(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> RunFigures:
    config = composed(
        "architecture=mlp",
        "architecture.widths=[8]",
        "evaluation.traversal_steps=3000",
        "prior.dimensions=6",
        "prior.group_size=1",
    )
    model = build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)
    every = encode(represent(model), toy_dataset.test, 60, torch.Generator().manual_seed(0))
    summary = summarize(represent(model), toy_dataset, every, torch.Generator().manual_seed(0))
    return RunFigures(represent(model), toy_dataset, every, config.evaluation, summary)


def test_of_many_variables_steps_and_points_some_are_drawn(
    run_figures: RunFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_run, "_MOST_VARIABLES", 4)
    monkeypatch.setattr(of_run, "_MOST_STEPS", 5)
    monkeypatch.setattr(of_run, "_MOST_POINTS", 40)
    text = io.StringIO()
    with PartDisplay(Console(file=text, width=200)) as display, display.part("figures"):
        drawn = dict(run_figures.figures(torch.Generator().manual_seed(0)))
    rows = run_figures.traversal_rows()
    assert [len(row.images_TCHW) for row in rows] == [5] * 4
    informations = [row.information or 0.0 for row in rows]
    assert informations == sorted(run_figures.summary["information"]["variable"].values())[:1:-1]
    bars = drawn["information"].axes[0]
    assert len(bars.get_yticklabels()) == 4
    (map_axes,) = drawn["latents"].axes[:1]
    assert len(map_axes.collections[0].get_offsets()) == 40
    frames = run_figures.animation()
    assert frames is not None
    assert len(frames) == 8
    assert text.getvalue() == (
        "    left out  figures show 4 of 6 variables, the most informative ones and "
        "5 of 3,000 steps of a traversal and 40 of 60 points of the map\n"
    )


def test_of_many_configurations_the_best_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_comparison, "_MOST_CONFIGURATIONS", 5)
    monkeypatch.setattr(of_comparison, "_MOST_FIELDS", 3)
    text = io.StringIO()
    console = Console(file=text, width=200)
    comparison = grid()
    few = of_comparison._few(comparison)
    elbos = [c.values("elbo").mean() for c in comparison.configurations]
    assert sorted(c.values("elbo").mean() for c in few.configurations) == sorted(elbos)[-5:]
    places = [comparison.configurations.index(c) for c in few.configurations]
    assert places == sorted(places)
    figures = of_comparison.draw(comparison, console, lambda _: [])
    assert "rate_distortion" in figures
    assert not any(name.startswith("heat_map") for name in figures)
    said = " ".join(text.getvalue().split())
    assert f"show the 5 best of {len(elbos)} configurations by ELBO" in said
    assert "show no heat map of more than 3 pairs of values" in said


def test_few_configurations_are_all_drawn() -> None:
    comparison = grid()
    assert of_comparison._few(comparison) is comparison
