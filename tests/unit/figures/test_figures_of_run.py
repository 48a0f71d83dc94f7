"""The figures of a run: their number, and their images, which are those of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.figures.of_run import RunFigures
from runner.model import build
from tests.conftest import represent

STEPS = 5
NORMAL = ("prior=normal", "prior.dimensions=3", "prior.group_size=1")
CONCRETE = ("prior=concrete_normal", "prior.dimensions=2")
NAMES = ["reconstructions", "samples", "traversals", "interpolation", "information", "latents"]


@pytest.fixture
def figures_of(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    def build_figures(*overrides: str) -> RunFigures:
        config = composed(
            "architecture=mlp",
            "architecture.widths=[8]",
            f"evaluation.traversal_steps={STEPS}",
            "evaluation.map_points=40",
            *overrides,
        )
        model = build(config, shape=toy_dataset.shape, classes=toy_dataset.classes)
        every = encode(represent(model), toy_dataset.test, 60, torch.Generator().manual_seed(0))
        summary = summarize(represent(model), toy_dataset, every, torch.Generator().manual_seed(0))
        return RunFigures(represent(model), toy_dataset, every, config.evaluation, summary)

    return build_figures


def with_information(run_figures: RunFigures, **variable: float) -> RunFigures:
    information = {**run_figures.summary["information"], "variable": variable}
    return replace(run_figures, summary={**run_figures.summary, "information": information})


@pytest.mark.parametrize("overrides", [NORMAL, CONCRETE], ids=["normal", "concrete"])
def test_every_figure_is_yielded_once_and_can_be_saved(figures_of, tmp_path, overrides):
    run_figures = figures_of(*overrides)
    names = []
    for name, figure in run_figures.figures(torch.Generator().manual_seed(0)):
        names.append(name)
        figure.savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert names == NAMES


def test_the_map_has_the_requested_number_of_points(figures_of):
    every = dict(figures_of(*NORMAL).figures(torch.Generator().manual_seed(0)))
    axes = every["latents"].axes[0]
    assert len(axes.collections[0].get_offsets()) == 40
    assert "40 images" in axes.get_title(loc="left")


def test_the_most_informative_variable_comes_first(figures_of):
    run_figures = with_information(figures_of(*NORMAL), z_0=0.2, z_1=1.5, z_2=0.7)
    rows = run_figures.traversal_rows()
    assert [(row.label, row.information) for row in rows] == [
        ("z_1", 1.5), ("z_2", 0.7), ("z_0", 0.2),
    ]  # fmt: skip


def test_a_concrete_variable_has_a_row_for_each_class_at_its_place(figures_of):
    run_figures = with_information(figures_of(*CONCRETE), category=0.9, style_0=0.1, style_1=1.4)
    rows = run_figures.traversal_rows()
    classes = [f"category = {k}" for k in range(4)]
    assert [row.label for row in rows] == ["style_1", *classes, "style_0"]
    assert [row.information for row in rows] == [1.4, 0.9, None, None, None, 0.1]
    assert all(row.images_TCHW.shape == (STEPS, 1, 8, 8) for row in rows)


def test_a_normal_s_row_moves_that_variable_alone(figures_of):
    run_figures = figures_of(*NORMAL, "evaluation.traversal_range=2")
    drawn = {row.label: row.images_TCHW for row in run_figures.traversal_rows()}
    for v in range(3):
        for step, value in enumerate([-2.0, -1, 0, 1, 2]):
            z = run_figures.encodings.mean_MW[:1].clone()
            z[0, v] = value
            with torch.no_grad():
                expected = run_figures.model.decode(z)[0].numpy()
            np.testing.assert_allclose(drawn[f"z_{v}"][step], expected, atol=1e-6)


def test_a_class_s_row_shows_it_in_the_styles_of_several_images(figures_of):
    run_figures = figures_of(*CONCRETE)
    drawn = {row.label: row.images_TCHW for row in run_figures.traversal_rows()}
    for k in range(4):
        z = run_figures.encodings.mean_MW[:STEPS].clone()
        z[:, :4] = torch.eye(4)[k]
        with torch.no_grad():
            expected = run_figures.model.decode(z).numpy()
        np.testing.assert_allclose(drawn[f"category = {k}"], expected, atol=1e-6)


def test_drawing_leaves_the_encodings_as_they_are(figures_of):
    run_figures = figures_of(*CONCRETE)
    before = run_figures.encodings.mean_MW.clone()
    run_figures.traversal_rows()
    list(run_figures.figures(torch.Generator().manual_seed(0)))
    assert torch.equal(run_figures.encodings.mean_MW, before)


@pytest.mark.parametrize("overrides", [NORMAL, CONCRETE], ids=["normal", "concrete"])
def test_the_animation_is_frames_of_bytes_that_move(figures_of, overrides):
    frames_FHW3 = figures_of(*overrides).animation()
    assert frames_FHW3.dtype == np.uint8
    assert frames_FHW3.ndim == 4
    assert len(frames_FHW3) == 2 * STEPS - 2
    assert frames_FHW3.shape[-1] == 3
    assert (frames_FHW3[0] != frames_FHW3[STEPS - 1]).any()
    assert np.array_equal(frames_FHW3[1], frames_FHW3[-1])  # it plays forwards, then backwards


def test_only_the_samples_depend_on_the_generator(figures_of):
    """The arrays of the figures are compared, before they are rendered."""
    run_figures = figures_of(*NORMAL)
    first, again, other = (
        dict(run_figures.figures(torch.Generator().manual_seed(seed))) for seed in (0, 0, 1)
    )
    for name in ("reconstructions", "samples", "interpolation"):
        images = [np.asarray(f[name].axes[0].images[0].get_array()) for f in (first, again, other)]
        assert np.array_equal(images[0], images[1]), name
        assert np.array_equal(images[0], images[2]) == (name != "samples"), name
