"""Rate-distortion plots, metric curves, dot plots and heat maps: positions and labels."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from runner.figures.dot_plots import dot_plots
from runner.figures.heat_maps import blocks, heat_map
from runner.figures.metric_curves import metric_curves
from runner.figures.rate_distortion import rate_distortion
from tests.made_comparison import BY, compare, grid, made_configuration, made_run

MINUS, GAMMA = "\N{MINUS SIGN}", "\N{GREEK SMALL LETTER GAMMA}"
METRICS = ("elbo", "terms/reconstruction", "scores/mean/mig")


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def means(axes: Axes) -> list[tuple[float, float]]:
    """Return the positions of the large marks."""
    marks = [line for line in axes.lines if line.get_markersize() > 5 and line.get_marker() != ""]
    marks = [line for line in marks if line.get_marker() not in {"None", None}]
    return [(float(x), float(y)) for line in marks for x, y in line.get_xydata()]


def ticks(labels) -> list[str]:
    return [label.get_text() for label in labels]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def labels_beyond_the_scale(axes: Axes) -> list[Text]:
    """Return the labels of ticks outside the axis limits, which are not drawn."""
    return [
        tick.label1
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]


def boxes_of_text(figure: Figure) -> list[tuple[str, Bbox]]:
    """Return all text that is drawn, with its bounding boxes."""
    figure.draw_without_rendering()
    beyond = {id(label) for axes in figure.axes for label in labels_beyond_the_scale(axes)}
    drawn = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
    return [(t.get_text(), t.get_window_extent()) for t in drawn if id(t) not in beyond]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Return pairs of texts that overlap."""
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes_of_text(figure), 2)
        if min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) >= 1
    ]


def outside(figure: Figure) -> list[str]:
    """Return text that is not inside the figure."""
    boxes = boxes_of_text(figure)
    width, height = figure.get_size_inches() * figure.dpi
    page = Bbox([[-1, -1], [width + 1, height + 1]])
    return [
        text
        for text, box in boxes
        if not page.containsx(box.x0) * page.containsx(box.x1) * page.containsy(box.y0)
        or not page.containsy(box.y1)
    ]


def test_a_mark_is_the_mean_of_its_configuration_and_dots_are_its_runs():
    figure = rate_distortion(compare(made_configuration({"objective.name": "hfvae", "beta": 4})))
    assert figure is not None
    axes = figure.axes[0]
    assert means(axes) == [pytest.approx((7.6, 109))]
    (dots,) = axes.collections
    np.testing.assert_allclose(dots.get_offsets(), [(7.6, 108), (7.6, 109), (7.6, 110)])


def test_lines_join_configurations_of_one_objective_and_gamma_by_beta():
    figure = rate_distortion(grid(betas=(16, 1, 4)))
    assert figure is not None
    assert legend(figure) == [
        "beta_vae",
        f"hfvae  {GAMMA} 1",
        f"hfvae  {GAMMA} 2",
        "equal ELBO, nats, higher is better",
    ]
    joined = [
        line.get_xdata()
        for line in figure.axes[0].lines
        if line.get_marker() == "None" and len(line.get_xdata()) == 3
    ]
    assert len(joined) == 3
    for rates in joined:
        assert all(left > right for left, right in pairwise(rates))  # more beta, less rate


def test_diagonals_are_where_the_elbo_is_what_their_label_says():
    figure = rate_distortion(grid())
    assert figure is not None
    axes = figure.axes[0]
    sums = {
        float(np.sum(xy))
        for line in axes.lines
        if line.get_color() == "#d4d4d4"
        for xy in line.get_xydata()
    }
    labels = [t for t in axes.texts if t.get_text().startswith(MINUS)]
    assert labels
    for label in labels:
        total = -float(label.get_text().replace(MINUS, "-"))
        assert sum(label.xy) == pytest.approx(total)
        assert any(total == pytest.approx(each) for each in sums)


def test_marks_are_labelled_with_beta_without_overlap():
    figure = rate_distortion(grid())
    assert figure is not None
    axes = figure.axes[0]
    labels = [t for t in axes.texts if t.get_text().startswith("β")]
    assert {t.get_text() for t in labels} == {"β 1", "β 4", "β 16"}
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [t.get_window_extent(renderer).shrunk(0.9, 0.8) for t in labels]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_a_mark_below_another_is_larger():
    same = [
        made_configuration({"objective.name": name, "beta": 4}) for name in ("hfvae", "beta_tcvae")
    ]
    figure = rate_distortion(
        compare(*same, made_configuration({"objective.name": "hfvae", "beta": 8}))
    )
    assert figure is not None
    sizes = [line.get_markersize() for line in figure.axes[0].lines if line.get_marker() in "os"]
    assert sorted(sizes) == [8, 8, 12]


def test_each_dataset_has_a_panel():
    figure = rate_distortion(grid(datasets=("mnist", "fashion_mnist")))
    assert figure is not None
    assert titles(figure) == ["mnist", "fashion_mnist"]
    assert len(means(figure.axes[0])) == len(means(figure.axes[1])) == 9


def test_runs_without_a_rate_are_not_drawn():
    code = compare(made_configuration({"objective.name": "ae"}))
    code.configurations[0].runs[0].metrics.pop("rate")
    figure = rate_distortion(code)
    assert figure is not None
    assert means(figure.axes[0]) == [pytest.approx((30.1, 103.5))]
    for run in code.runs[1:]:
        run.metrics.pop("rate")
    assert rate_distortion(code) is None


def test_curves_go_through_the_means_at_the_values_of_beta():
    figure = metric_curves(grid(), METRICS)
    assert figure is not None
    axes = figure.axes[1]
    lower = "\N{DOWNWARDS ARROW} lower is better"
    assert axes.get_title(loc="left") == f"reconstruction, nats\n{lower}"
    assert ticks(axes.get_xticklabels()) == ["1", "4", "16"]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "β"
    assert means(axes) == [(1, 103), (4, 109), (16, 133)] * 3
    lines = [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "None"]
    assert lines[0] == [103, 109, 133]
    assert lines[1] == pytest.approx([102, 104])  # one deviation, with two degrees of freedom
    dots = [line.get_ydata().tolist() for line in axes.lines if line.get_markersize() < 5]
    assert dots[0] == [102, 103, 104]


def test_one_seed_has_neither_bar_nor_dot():
    figure = metric_curves(grid(seeds=[0]), METRICS)
    assert figure is not None
    assert len([line for line in figure.axes[0].lines if line.get_marker() == "None"]) == 3
    assert means(figure.axes[1])[0] == (1, 102)


def test_configurations_without_the_hyperparameter_come_first():
    vae = made_configuration({"objective.name": "vae", "beta": None, "gamma": None, BY[3]: "mnist"})
    figure = metric_curves(compare(vae, *grid().configurations), METRICS)
    assert figure is not None
    axes = figure.axes[1]
    assert ticks(axes.get_xticklabels()) == ["none", "1", "4", "16"]
    assert means(axes)[0] == pytest.approx((axes.get_xticks()[0], 103))
    assert axes.get_xticks()[0] < 1


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("learning_rate", (0.0001, 0.001, 0.01), ["0.0001", "0.001", "0.01"]),
        ("objective.penalties.mmd.weight", (0, 100, 1000), ["0", "100", "1000"]),
        (
            "objective.group_information.category",
            (-20.0, -1.0, 0.0),
            [f"{MINUS}20", f"{MINUS}1", "0"],
        ),
    ],
)
def test_another_setting_can_be_the_horizontal_axis(name: str, values: tuple, shown: list[str]):
    configurations = [
        made_configuration({"objective.name": "hfvae", name: value}) for value in values
    ]
    figure = metric_curves(compare(*configurations), METRICS)
    assert figure is not None
    assert ticks(figure.axes[0].get_xticklabels()) == shown
    pixels = figure.axes[0].transData.transform([(value, 0) for value in values])[:, 0]
    assert (np.diff(pixels) > 25).all()


def test_a_metric_is_drawn_for_the_runs_that_have_it():
    comparison = grid()
    for run in comparison.configurations[0].runs:
        run.metrics.pop("scores/mean/mig")
    figure = metric_curves(comparison, [*METRICS, "scores/mean/sap"])
    assert figure is not None
    names = [title.split("  ")[0].split("\n")[0] for title in titles(figure)]
    assert names == ["ELBO, nats", "reconstruction, nats", "MIG"]
    assert len(means(figure.axes[2])) == 8


def test_configurations_without_a_numeric_setting_have_a_row_each():
    configurations = [
        made_configuration({"objective.name": name, "beta": b}) for name, b in (("a", 1), ("b", 4))
    ]
    assert metric_curves(compare(*configurations), METRICS) is None
    figure = dot_plots(compare(*configurations), METRICS)
    assert figure is not None
    assert ticks(figure.axes[0].get_yticklabels()) == ["a", "b"]
    assert means(figure.axes[1]) == [(103, 0), (109, 1)]
    assert dot_plots(compare(configurations[0]), METRICS) is None


def test_a_heat_map_has_means_and_deviations_and_hatches_missing_fields():
    comparison = grid(gammas=(1, 2, 4))
    gap = [
        c for c in comparison.configurations if (c.settings["beta"], c.settings["gamma"]) != (4, 2)
    ]
    (block,) = blocks(compare(*gap))
    assert block.name == "hfvae"
    figure = heat_map(block, BY, METRICS)
    assert figure is not None
    axes = figure.axes[1]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[0, 0] == "103.0\n± 1.0"
    assert written[2, 2] == "133.0\n± 1.0"
    assert len(written) == 8
    assert (1, 1) not in written
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [box.get_hatch() for box in boxes if box.get_hatch()] == ["////"]
    assert ticks(axes.get_xticklabels()) == ["1", "4", "16"]
    assert ticks(axes.get_yticklabels()) == ["1", "2", "4"]
    figure.draw_without_rendering()
    (fields,) = axes.collections
    pale, darker, darkest = fields.get_facecolors()[:3, :3].sum(axis=1)  # of the least gamma
    assert pale > darker > darkest  # the darker, the more
    assert axes.transData.transform((0, 0))[1] < axes.transData.transform((0, 2))[1]


def test_each_dataset_and_objective_with_a_grid_has_a_heat_map():
    found = blocks(grid(datasets=("mnist", "fashion_mnist")))
    assert [(block.dataset, block.name) for block in found] == [
        ("mnist", "hfvae"),
        ("fashion_mnist", "hfvae"),
    ]
    assert blocks(grid(gammas=[1])) == []


def hard() -> list:
    long = {"architecture.a_setting_with_quite_a_long_name": "a_choice_with_quite_a_long_name"}
    sixty = [
        made_configuration({"objective.name": name, "beta": b, "gamma": g, **long}, [0, 1])
        for name in ("hfvae", "beta_tcvae")
        for b in (0.5, 1, 2, 4, 8, 16)
        for g in (1, 2, 4, 8, 16)
    ]
    names = [made_configuration({"objective.name": f"{'long_' * 8}{i}"}, [0]) for i in range(30)]
    return [compare(*sixty), compare(*names), compare(names[0]), grid(datasets=("a", "b", "c"))]


@pytest.mark.parametrize(
    "comparison", hard(), ids=["sixty", "long names", "one configuration", "datasets"]
)
def test_all_text_is_inside_the_figure_without_overlap(comparison):
    figures = [rate_distortion(comparison), metric_curves(comparison, METRICS)]
    figures += [dot_plots(comparison, METRICS)]
    figures += [heat_map(block, comparison.by, METRICS) for block in blocks(comparison)]
    drawn = [figure for figure in figures if figure is not None]
    assert [text for figure in drawn for text in outside(figure)] == []
    assert [pair for figure in drawn for pair in overlapping(figure)] == []


def test_a_configuration_of_several_datasets_is_titled_by_all_of_them():
    configuration = made_configuration({"objective.name": "hfvae"})
    other = made_run({"dataset.name": "digits"}, configuration.runs[0].metrics)
    pooled = compare(
        type(configuration)(configuration.settings, (*configuration.runs, other)),
        *grid().configurations[:0],
    )
    figure = rate_distortion(
        compare(*pooled.configurations, made_configuration({"objective.name": "vae"}))
    )
    assert figure is not None
    assert titles(figure) == ["digits + mnist", "mnist"]
