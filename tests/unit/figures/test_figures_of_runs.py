"""Representative runs and their figures: the choice of runs, traversals, and information."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from rich.console import Console

from runner import config as settings
from runner.comparison.configurations import Comparison
from runner.comparison.representatives import RepresentativeRun, choose_runs
from runner.comparison.runs import read_runs
from runner.config import RunConfig
from runner.dataset import load
from runner.evaluation.traversal_rows import Traversal, TraversalRow
from runner.figures.information import DISCRETE, information_of_runs
from runner.figures.of_comparison import draw
from runner.figures.traversals import traversals_of_runs
from runner.runs.traverse import traverse_runs
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import save as save_checkpoint
from runner.store.run_folder import RunFolder
from runner.training import TrainingState, new_model
from tests.made_comparison import compare, grid, made_configuration, made_run

BETA, GAMMA = "\N{GREEK SMALL LETTER BETA}", "\N{GREEK SMALL LETTER GAMMA}"


STEPS = 5


def drawn(comparison: Comparison, console: Console) -> Mapping[str, Figure]:
    return draw(comparison, console, partial(traverse_runs, console=console))


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def ticks(labels) -> list[str]:
    return [label.get_text() for label in labels]


def test_each_objective_has_its_best_configuration_and_the_most_different():
    (chosen,) = choose_runs(grid()).values()
    names = [each.name for each in chosen]
    assert names == [
        f"beta_vae  {BETA} 4",
        f"beta_vae  {BETA} 16",
        f"hfvae  {BETA} 4  {GAMMA} 1",
        f"hfvae  {BETA} 16  {GAMMA} 2",
    ]


def test_the_median_seed_represents_a_configuration():
    (chosen,) = choose_runs(grid(seeds=(7, 3, 5))).values()
    assert {each.run.seed for each in chosen} == {5}


def test_of_many_objectives_the_best_four_are_chosen():
    configurations = [
        made_configuration({"objective.name": f"o{i}", "beta": 20 - 2 * i}) for i in range(6)
    ]
    (chosen,) = choose_runs(compare(*configurations, metrics=["scores/mean/mig"])).values()
    assert [each.name for each in chosen] == ["o0", "o1", "o2", "o3"]


def test_a_single_objective_has_four_configurations_spread_over_its_settings():
    configurations = [
        made_configuration({"objective.name": "hfvae", "beta": b}) for b in (1, 2, 4, 6, 8, 10, 12)
    ]
    (chosen,) = choose_runs(compare(*configurations, metrics=["scores/mean/mig"])).values()
    assert [each.run.settings["beta"] for each in chosen] == [1, 6, 10, 12]


def test_equal_configurations_of_two_objectives_are_shown_once():
    def configuration(name: str, weight: float, beta: float):
        settings = {"objective.name": name, "beta": beta}
        run_settings = {**settings, "objective.weights.total_correlation": weight}
        runs = (made_run(run_settings, {"elbo": -100.0 - weight}),)
        return type(made_configuration(settings))(settings, runs)

    configurations = [
        configuration("beta_vae", 1, 1),
        configuration("hfvae", 1.0, 1),
        configuration("hfvae", 4, 4),
    ]
    (chosen,) = choose_runs(compare(*configurations)).values()
    assert [each.name for each in chosen][::2] == ["beta_vae", f"hfvae  {BETA} 4"]


def informative_run(
    name: str, *, factors: dict | None = None, **variables: float
) -> RepresentativeRun:
    metrics = {f"information/variable/{key}": value for key, value in variables.items()}
    for group, values in (factors or {}).items():
        metrics |= {f"information/factor/{group}/{factor}": v for factor, v in values.items()}
    return RepresentativeRun(name, made_run({"prior.name": "concrete_normal"}, metrics))


def test_bars_are_sorted_on_one_scale_with_discrete_variables_marked():
    runs = [
        informative_run("one", category=1.0, style_0=2.0, factors={"style": {"label": 0.5}}),
        informative_run("two", category=0.5, style_0=0.1, factors={"category": {"label": 1.5}}),
    ]
    figure = information_of_runs(runs)
    assert figure is not None
    first, second, table = figure.axes
    assert ticks(first.get_yticklabels()) == ["style_0", "category"]
    assert ticks(second.get_yticklabels()) == ["category", "style_0"]
    assert [bar.get_width() for bar in first.patches] == [2, 1]
    assert first.get_xlim() == second.get_xlim() == (0, 2)
    colours = [bar.get_facecolor() for bar in first.patches]
    assert colours[1] == second.patches[0].get_facecolor() != colours[0]
    assert to_hex(colours[1]) == DISCRETE
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["A  one", "B  two"]
    assert ticks(figure.legends[0].get_texts()) == [
        "I(x; z), continuous",
        "I(x; z), discrete",
    ]
    assert {bar.get_hatch() for bar in first.patches} == {None, "////"}  # grey has no colours
    assert ticks(table.get_xticklabels()) == ["A", "B"]
    assert ticks(table.get_yticklabels()) == ["style", "category"]
    written = {text.get_position(): text.get_text() for text in table.texts}
    assert written == {(0, 0): "0.50", (1, 1): "1.50"}  # a group that a run lacks is left white


def test_with_several_factors_each_run_has_a_table_of_its_own():
    factors = {"pose": {"x": 1.0, "y": 0.2}, "look": {"x": 0.0, "y": 0.7}}
    figure = information_of_runs(
        [informative_run(n, z=1.0, factors=factors) for n in ("one", "two")]
    )
    assert figure is not None
    tables = figure.axes[1::2]
    assert [ticks(table.get_xticklabels()) for table in tables] == [["x", "y"]] * 2
    assert ticks(tables[0].texts) == ["1.00", "0.20", "0.00", "0.70"]


def test_of_many_variables_the_last_are_counted():
    runs = [informative_run("one", **{f"z_{i}": 1 - i / 50 for i in range(50)})]
    figure = information_of_runs(runs)
    assert figure is not None
    assert len(figure.axes[0].patches) == 12
    assert figure.axes[0].bbox.height == pytest.approx(12 * 24)
    assert "and 38 more, 0.76 at most" in figure.axes[0].get_xlabel()
    assert information_of_runs([informative_run("nothing")]) is None


def rows(categories: int, normals: int) -> list[TraversalRow]:
    images_TCHW = np.zeros((STEPS, 1, 8, 8), np.float32)
    found = [
        TraversalRow(f"c = {k}", 2.0 if k == 0 else None, images_TCHW + k / categories)
        for k in range(categories)
    ]
    return found + [
        TraversalRow(f"z_{v}", 1.0 / (v + 1), images_TCHW + 0.5) for v in range(normals)
    ]


def block(name: str, categories: int = 10, normals: int = 8) -> Traversal:
    image = np.full((1, 8, 8), 0.25, np.float32)
    return Traversal(
        name, image, rows(categories, normals), np.linspace(-2, 2, STEPS).tolist(), "u"
    )


def test_six_variables_of_each_model_are_shown_with_bars_on_one_scale():
    figure = traversals_of_runs([block("one"), block("two", 0, 2)])
    original, images, bars, others, other_bars = figure.axes
    assert np.asarray(original.images[0].get_array())[0, 0, 0] == pytest.approx(0.25)
    labels = ["c 0\N{EN DASH}4", "c 5\N{EN DASH}9", *(f"z_{v}" for v in range(5))]
    assert ticks(images.get_yticklabels()) == labels
    assert ticks(others.get_yticklabels()) == ["z_0", "z_1"]
    drawn = np.asarray(images.images[0].get_array())
    shades = [
        drawn[round(y), round(x), 0] for y in images.get_yticks()[:2] for x in images.get_xticks()
    ]
    np.testing.assert_allclose(shades, np.arange(10) / 10, atol=1e-6)
    for axes in (original, images, others):  # crisp, and as high as there are rows
        height, width = axes.images[0].get_array().shape[:2]
        np.testing.assert_allclose(axes.bbox.size, (8 * width, 8 * height))
    np.testing.assert_allclose([bars.bbox.y0, bars.bbox.y1], [images.bbox.y0, images.bbox.y1])
    assert others.bbox.y1 == pytest.approx(images.bbox.y1)
    assert [bar.get_width() for bar in bars.patches] == [2, 1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert bars.get_xlim() == other_bars.get_xlim() == (0, 2)
    middles = [bar.get_y() + bar.get_height() / 2 for bar in bars.patches]
    np.testing.assert_allclose(middles, np.delete(images.get_yticks(), 1))
    assert [axes.get_title(loc="left") for axes in (images, others)] == ["one", "two"]


def test_codes_without_information_have_no_bars():
    code = block("code", 0, 3)
    without_information = [TraversalRow(row.label, None, row.images_TCHW) for row in code.rows]
    figure = traversals_of_runs(
        [Traversal("code", code.original_CHW, without_information, code.positions, "u")]
    )
    assert len(figure.axes) == 2


@pytest.fixture(scope="module")
def run_paths(composed: Callable[..., RunConfig], tmp_path_factory) -> list[Path]:
    """Return the folders of two models of digits, and of one of points."""
    overrides = {
        "a": ("dataset=digits", "objective=beta_vae", "prior=concrete_normal"),
        "b": ("dataset=digits", "objective=hfvae", "prior=normal", "prior.group_size=5"),
        "c": ("experiment=pinwheel",),
    }
    paths = [tmp_path_factory.mktemp("runs") / name for name in overrides]
    for path, choice in zip(paths, overrides.values(), strict=True):
        save_run(composed("debug=default", "architecture.widths=[8]", *choice), path)
    return paths


def save_run(config: RunConfig, path: Path) -> None:
    """Write the files of a run folder that a comparison reads."""
    folder = RunFolder.create(path)
    folder.write_config(settings.to_yaml(config))
    dataset = load(config.dataset, config.data_dir, torch.device("cpu"))
    model = new_model(config, dataset, torch.device("cpu"))
    state = TrainingState.fresh(model, config)
    save_checkpoint(path / "checkpoint", Checkpoint(state.tensors(), {"step": state.step}))
    names = model.latents.variable_names
    information = {name: float(i) for i, name in enumerate(names)}
    folder.write_summary({"step": state.step, "information": {"variable": information}})
    folder.update_status(state="finished")


def of(path: Path) -> RepresentativeRun:
    (found,) = read_runs([path])
    return RepresentativeRun(path.name, found)


def test_trained_models_are_traversed_from_the_same_test_image(run_paths: list[Path], console):
    runs = [of(path) for path in run_paths[:2]]
    first, second = traverse_runs(runs, console)
    np.testing.assert_array_equal(first.original_CHW, second.original_CHW)
    labels = [row.label for row in second.rows]
    assert labels == list(runs[1].information)
    assert all(row.images_TCHW.shape == (STEPS, 1, 8, 8) for row in first.rows)
    assert any(row.label == "category = 9" for row in first.rows)
    assert first.positions == [-2.5, -1.25, 0, 1.25, 2.5]


def test_runs_that_cannot_be_traversed_are_left_out_with_a_reason(
    run_paths: list[Path], console: Console, tmp_path: Path
):
    gone = RepresentativeRun("gone", made_run({}, {}, path=tmp_path / "gone"))
    found = traverse_runs([of(run_paths[0]), gone, of(run_paths[2])], console)
    assert [each.name for each in found] == ["a"]
    assert f"without {tmp_path / 'gone'}: " in said(console)
    assert f"without {run_paths[2]}: points are not images" in said(console)


def test_all_applicable_figures_are_drawn_for_each_dataset(console: Console):
    comparison = grid(datasets=("mnist", "fashion_mnist"))
    for each in comparison.runs:
        each.metrics["information/variable/z"] = 1.0
    names = list(drawn(comparison, console))
    assert names == [
        "rate_distortion",
        "metric_against_beta",
        "heat_map_1",
        "heat_map_2",
        "information_mnist",
        "information_fashion_mnist",
    ]
    assert said(console).count("without nowhere") == 8


def test_choices_are_compared_where_no_number_varies(console: Console):
    configurations = [
        made_configuration({"objective.name": "vae", "prior.name": n})
        for n in ("normal", "laplace")
    ]
    assert list(drawn(compare(*configurations), console)) == [
        "rate_distortion",
        "metric_against_prior",
    ]


def test_metrics_beyond_the_limit_are_reported_as_left_out(console: Console):
    names = [f"scores/mean/score_{i}" for i in range(20)]
    comparison = compare(*grid().configurations, metrics=names)
    for each in comparison.runs:
        each.metrics.update(dict.fromkeys(names, 0.5))
    figure = drawn(comparison, console)["metric_against_beta"]
    assert len(figure.axes) == 12
    assert "the first 12 of 20 metrics" in said(console)
