"""Figures for a page of a given width, and the small type below them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from runner.evaluation.latent_plane import Densities, Points, Window
from runner.evaluation.pruning import Pruning
from runner.evaluation.traversal_rows import Traversal, TraversalRow
from runner.figures.heat_maps import blocks, heat_map
from runner.figures.images import interpolation, reconstructions, samples
from runner.figures.information import information
from runner.figures.latents import latents
from runner.figures.metric_curves import metric_curves
from runner.figures.notes import add_note
from runner.figures.of_comparison import runs_behind
from runner.figures.page import page
from runner.figures.plane import plane
from runner.figures.pruning import pruning_figure
from runner.figures.rate_distortion import rate_distortion
from runner.figures.traversals import traversals, traversals_of_runs
from tests.made_comparison import BY, grid

METRICS = ["elbo", "terms/reconstruction", "scores/mean/mig"]
LEAST_TEXT = 6.0
SLACK = 0.25
"""Inches by which labels may reach beyond the page."""


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def rows(side: int) -> list[TraversalRow]:
    categories = [TraversalRow(f"class = {k}", None, images(11, 1, side, side)) for k in range(3)]
    return categories + [
        TraversalRow(f"z_{i}", 0.5 / (i + 1), images(11, 1, side, side)) for i in range(10)
    ]


def of_models(side: int) -> Figure:
    positions = np.linspace(-2.5, 2.5, 5).tolist()
    few = [TraversalRow(row.label, row.information, row.images_TCHW[:5]) for row in rows(side)]
    first = images(1, side, side)
    model = Traversal("hfvae  β 4", first, few, positions, "prior standard deviations")
    return traversals_of_runs([model] * 4)


def of_plane() -> Figure:
    points = images(40, 2)
    classes = np.arange(40) % 4
    density = np.abs(images(16, 16)) + 0.01
    data = Points(points, points, points, classes, tuple(f"arm {i}" for i in range(4)))
    return plane(data, Densities(Window(0.0, 1.0, 0.0, 1.0), density, density))


def of_variables(count: int = 50) -> Figure:
    known = {f"z_{i}": 1 / (i + 1) for i in range(count)}
    rates = {name: 2 * value for name, value in known.items()}
    factors = ("shape", "scale", "x", "y")
    groups = {f"group_{i}": dict.fromkeys(factors, 0.1 * i) for i in range(5)}
    return information(known, rates, groups, {"z_0"})


def of_pruning(count: int = 40) -> Figure:
    names = [f"z_{i}" for i in range(count)]
    errors = np.linspace(1, 0, count + 1)
    return pruning_figure(Pruning(names, 1 - errors, errors, 10 * (1 - errors)[:, None]))


def of_latents() -> Figure:
    return latents(images(60, 2), np.arange(60) % 10, [f"class {i}" for i in range(10)], "t-SNE")


def of_heat_map() -> Figure | None:
    return heat_map(blocks(grid())[0], BY, METRICS)


DRAWN: dict[str, Callable[[], Figure | None]] = {
    "traversals": lambda: traversals(rows(28), np.linspace(-2.5, 2.5, 11).tolist()),
    "traversals of runs": lambda: of_models(64),
    "reconstructions": lambda: reconstructions(images(24, 3, 64, 64), images(24, 3, 64, 64)),
    "samples": lambda: samples(images(64, 1, 64, 64)),
    "interpolation": lambda: interpolation(images(6, 11, 1, 64, 64)),
    "information": of_variables,
    "latents": of_latents,
    "plane": of_plane,
    "pruning": of_pruning,
    "heat map": of_heat_map,
    "metric curves": lambda: metric_curves(grid(), METRICS),
    "rate and distortion": lambda: rate_distortion(grid()),
}


def texts(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_text() and text.get_visible()]


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("inches", [3.3, 6.9])
def test_a_figure_fits_its_page_with_text_that_can_be_read(name: str, inches: float):
    with page(inches):
        figure = DRAWN[name]()
        assert figure is not None
        add_note(figure, ["n = 3 runs of each configuration", "1,000 test images"])
    width, height = figure.get_size_inches() * figure.dpi
    assert width / figure.dpi <= inches + SLACK
    for text in texts(figure):
        assert text.get_fontsize() >= LEAST_TEXT
    box = figure.get_tightbbox()
    assert box.x0 * figure.dpi >= -0.5
    assert box.x1 * figure.dpi <= width + 0.5
    assert box.y1 * figure.dpi <= height + 0.5
    assert box.y0 >= -0.01


def test_without_a_page_text_is_as_large_as_ever():
    figure = of_variables(3)
    assert {text.get_fontsize() for text in texts(figure)} == {9}


def test_a_note_stands_below_all_else_which_keeps_its_size():
    figure, other = of_variables(3), of_variables(3)
    legend = figure.legends[0].get_window_extent().frozen()
    add_note(figure, ["3 variables", "", "trained on images without shape heart"])
    note = next(text for text in figure.texts if text.get_gid() == "note")
    said = note.get_text().replace("\n", " ")
    assert said == "3 variables; trained on images without shape heart"
    sizes = [[axes.bbox.size.round().tolist() for axes in each.axes] for each in (figure, other)]
    assert sizes[0] == sizes[1]
    figure.draw_without_rendering()
    assert note.get_window_extent().y1 < figure.legends[0].get_window_extent().y0
    assert figure.legends[0].get_window_extent().height == pytest.approx(legend.height)


def test_nothing_to_say_changes_nothing():
    figure = of_variables(3)
    before = figure.get_size_inches().tolist()
    assert add_note(figure, ["", ""]).get_size_inches().tolist() == before


def test_runs_and_seeds_behind_a_figure_are_said():
    assert runs_behind(grid()) == "n = 3 runs of each configuration, seeds 0 to 2"
    assert runs_behind(grid(seeds=[0])) == "n = 1 run of each configuration, seed 0"
    some = runs_behind(grid(seeds=[1, 5, 7, 9, 11, 13]))
    assert some.endswith("6 runs of each configuration, seeds 1, 5, 7, 9, 11 and more")
