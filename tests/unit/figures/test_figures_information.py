from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from runner.evaluation.traversal_rows import TraversalRow
from runner.figures.images import interpolation, reconstructions, samples
from runner.figures.information import information
from runner.figures.latents import latents
from runner.figures.traversals import traversals

FACTORS = ["shape", "scale", "orientation", "x", "y"]


def images(count: int, channels: int = 1, side: int = 8, seed: int = 0) -> np.ndarray:
    return 0.9 * np.random.default_rng(seed).random((count, channels, side, side), np.float32)


def drawn(figure: Figure) -> np.ndarray:
    """Return the array of a figure that is drawn as one image."""
    assert len(figure.axes[0].images) == 1
    return np.asarray(figure.axes[0].images[0].get_array())


def tiles(figure: Figure, rows: int, columns: int) -> np.ndarray:
    """Return the images of a figure in rows and columns, separated by white."""
    array = drawn(figure)
    pieces = [_runs((array < 1).any(axis=(1 - axis, 2))) for axis in (0, 1)]
    assert [len(runs) for runs in pieces] == [rows, columns]
    return np.stack([np.stack([array[y, x] for x in pieces[1]]) for y in pieces[0]])


def _runs(mask: np.ndarray) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask, [0]])))
    return [slice(*pair) for pair in edges.reshape(-1, 2)]


def as_drawn(images_NCHW: np.ndarray) -> np.ndarray:
    height, width = images_NCHW.shape[2:]
    coloured = np.broadcast_to(images_NCHW, (len(images_NCHW), 3, height, width))
    return coloured.transpose(0, 2, 3, 1)


def ticks(labels: list[Text]) -> list[str]:
    return [label.get_text() for label in labels]


def variables(count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return information and rates of variables, not sorted."""
    known = {f"style_{v}": 0.1 * (v * 7 % count) for v in range(count)}
    return known, {name: value + 0.25 for name, value in known.items()}


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 3), (64, 1)])
def test_reconstructions_stand_below_their_images(side: int, channels: int):
    originals = images(24, channels, side, seed=1)
    decoded = images(24, channels, side, seed=2)
    figure = reconstructions(originals, decoded)
    rows = tiles(figure, 4, 12)
    np.testing.assert_array_equal(rows[[0, 2]].reshape(24, side, side, 3), as_drawn(originals))
    np.testing.assert_array_equal(rows[[1, 3]].reshape(24, side, side, 3), as_drawn(decoded))
    labels = ticks(figure.axes[0].get_yticklabels())
    assert labels == ["image", "reconstruction", "image", "reconstruction"]


@pytest.mark.parametrize("count", [1, 5, 17])
def test_any_number_of_images_is_reconstructed(count: int):
    originals, decoded = images(count, seed=1), images(count, seed=2)
    figure = reconstructions(originals, decoded)
    rows = 2 * -(-count // 12)
    assert len(figure.axes[0].get_yticks()) == rows
    shown = tiles(figure, rows, min(count, 12))
    np.testing.assert_array_equal(shown[1::2].reshape(-1, 8, 8, 3)[:count], as_drawn(decoded))


@pytest.mark.parametrize(("count", "rows", "columns"), [(64, 8, 8), (5, 2, 3), (1, 1, 1)])
def test_samples_fill_a_square(count: int, rows: int, columns: int):
    decoded = images(count, 3)
    shown = tiles(samples(decoded), rows, columns).reshape(-1, 8, 8, 3)
    np.testing.assert_array_equal(shown[:count], as_drawn(decoded))
    assert (shown[count:] == 1).all()


def test_an_interpolation_is_framed_by_its_two_images():
    images_PTCHW = np.stack([images(11, seed=pair) for pair in range(3)])
    figure = interpolation(images_PTCHW)
    np.testing.assert_array_equal(
        tiles(figure, 3, 11), np.stack([as_drawn(images_TCHW) for images_TCHW in images_PTCHW])
    )
    axes = figure.axes[0]
    assert ticks(axes.get_xticklabels()) == ["image", "reconstruction → reconstruction", "image"]
    frames = {(frame.get_x() + 0.5, frame.get_y() + 0.5) for frame in axes.patches}
    tops = {y - 3.5 for y in (3.5, 12.5, 21.5)}
    assert frames == {(x - 3.5, y) for x in axes.get_xticks()[[0, 2]] for y in tops}


def test_variables_are_ordered_by_information_and_show_their_rate():
    known, rates = variables(5)
    figure = information(known, rates, {"style": {"label": 0.5}})
    axes = figure.axes[0]
    names = ticks(axes.get_yticklabels())
    assert names == sorted(known, key=lambda name: -known[name])
    assert [patch.get_width() for patch in axes.patches] == [known[name] for name in names]
    marks = next(line for line in axes.lines if line.get_marker() == "|")
    assert marks.get_xdata() == [rates[name] for name in names]
    columns = [[f"{each[name]:.2f}" for name in names] for each in (known, rates)]
    assert ticks(axes.texts) == [*columns[0], "I(x; z)", *columns[1], "rate"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first is at the top
    assert axes.get_xlim()[1] >= max(rates.values())
    assert "nats" in axes.get_title(loc="left")
    assert "rate" in figure.legends[0].get_texts()[1].get_text()


def test_one_factor_is_a_bar_per_group():
    known, rates = variables(3)
    groups = {"category": {"label": 2.01}, "style": {"label": 0.934}}
    axes = information(known, rates, groups).axes[1]
    assert ticks(axes.get_yticklabels()) == ["category", "style"]
    assert [patch.get_width() for patch in axes.patches] == [2.01, 0.934]
    beside = axes.figure.axes[0]  # a nat is as long in both
    lengths = [part.bbox.width / np.diff(part.get_xlim())[0] for part in (axes, beside)]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.02)
    assert ticks(axes.texts) == ["2.01", "0.93"]
    assert axes.get_title(loc="left") == "I(label; z), nats"


def test_several_factors_are_a_table_of_numbers():
    known, rates = variables(4)
    groups = {"a": {"x": 0.0, "y": 1.256, "shape": -0.001}, "b": {"x": 2.0, "y": 0.5, "shape": 1.0}}
    axes = information(known, rates, groups).axes[1]
    assert ticks(axes.get_yticklabels()) == ["a", "b"]
    assert ticks(axes.get_xticklabels()) == ["x", "y", "shape"]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert [written[column, 0] for column in range(3)] == ["0.00", "1.26", "0.00"]
    assert [written[column, 1] for column in range(3)] == ["2.00", "0.50", "1.00"]
    values = np.asarray(axes.collections[0].get_array()).reshape(2, 3)
    np.testing.assert_allclose(values, [list(factors.values()) for factors in groups.values()])


def test_groups_of_one_variable_stand_in_the_variables_order():
    known, rates = variables(6)
    figure = information(known, rates, {name: {"x": 1.0, "y": 0.0} for name in known})
    left, right = figure.axes
    assert ticks(left.get_yticklabels()) == ticks(right.get_yticklabels())
    heights = [axes.transData.transform([(0, y) for y in range(6)])[:, 1] for axes in figure.axes]
    np.testing.assert_allclose(*heights)


@pytest.mark.parametrize("factors", [["label"], FACTORS])
def test_a_model_without_information_has_a_figure(factors: list[str]):
    figure = information({"z": 0.0}, {"z": 0.0}, {"z": dict.fromkeys(factors, 0.0)})
    written = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert written == {"0.00", "I(x; z)", "rate"}
    assert render(figure).shape[-1] == 4


def rows(count: int, steps: int, side: int, categories: int = 0) -> list[TraversalRow]:
    normal = [TraversalRow(f"style_{v}", 1.0, images(steps, side=side)) for v in range(count)]
    concrete = [
        TraversalRow(f"category = {k}", None if k else 2.3, images(steps, side=side))
        for k in range(categories)
    ]
    return normal + concrete


def render(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def information_of(count: int, factors: list[str]) -> Figure:
    known, rates = variables(count)
    groups = {name: dict.fromkeys(factors, value) for name, value in known.items()}
    return information(known, rates, groups)


def map_of(classes: int) -> Figure:
    points = np.random.default_rng(0).normal(size=(200, 2)) + 20 * np.eye(200, 2)
    names = [f"a long class name {c}" for c in range(classes)]
    return latents(points, np.arange(200) % classes, names, "the map of 200 images")


FIGURES: dict[str, Callable[[], Figure]] = {
    "reconstructions": lambda: reconstructions(images(24, 1, 28), images(24, 1, 28)),
    "one reconstruction": lambda: reconstructions(images(1), images(1)),
    "samples": lambda: samples(images(64, 3, 64)),
    "traversals": lambda: traversals(rows(20, 11, 64), np.linspace(-2.5, 2.5, 11)),
    "two steps": lambda: traversals(rows(1, 2, 28), [-2.5, 2.5]),
    "forty steps": lambda: traversals(rows(3, 40, 28), np.linspace(-2.5, 2.5, 40)),
    "categories": lambda: traversals(rows(10, 11, 28, 10), np.linspace(-2, 2, 11)),
    "narrow categories": lambda: traversals(rows(2, 3, 8, 3), [-1, 0, 1]),
    "interpolation": lambda: interpolation(images(66, 1, 28).reshape(6, 11, 1, 28, 28)),
    "short interpolation": lambda: interpolation(images(8).reshape(2, 4, 1, 8, 8)),
    "information": lambda: information_of(20, FACTORS),
    "information on one factor": lambda: information_of(11, ["label"]),
    "information of one variable": lambda: information_of(1, ["label"]),
    "latents": lambda: map_of(10),
    "latents of two classes": lambda: map_of(2),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off_or_overlaps(name: str):
    figure = FIGURES[name]()
    render(figure)
    texts = [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_text() and text.get_visible()
    ]
    boxes = [text.get_window_extent() for text in texts]
    page = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= page.x1 and box.y1 <= page.y1
        assert inside, f"{text.get_text()!r} is cut off: {box} of {page}"
    for (one, box), (other, other_box) in combinations(zip(texts, boxes, strict=True), 2):
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        down = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert min(across, down) < 1, f"{one.get_text()!r} overlaps {other.get_text()!r}"


def test_figures_can_be_drawn_in_threads():
    def png(name: str) -> bytes:
        buffer = BytesIO()
        FIGURES[name]().savefig(buffer, format="png")
        return buffer.getvalue()

    names = ["two steps", "interpolation", "information on one factor", "latents"]
    alone = [png(name) for name in names]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(png, names)) == alone


def test_no_display_is_needed():
    code = "import sys, runner.figures.of_run; print('matplotlib.pyplot' in sys.modules)"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "False"
