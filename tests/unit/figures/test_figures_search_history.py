"""The picture of a search."""

from __future__ import annotations

from dataclasses import replace

from runner.figures.search_history import History, Parameter, search_history

HISTORY = History(
    metric="elbo",
    maximized=True,
    runs=[0, 1, 2, 3, 4],
    states=["finished", "pruned", "finished", "failed", "finished"],
    values=[-3.0, None, -5.0, None, -1.0],
    parameters=[
        Parameter("beta", [0.5, 1.0, 2.0, 3.0, 40.0], is_logarithmic=True),
        Parameter("objective", ["vae", "vae", "hfvae", "vae", "hfvae"]),
    ],
)


def test_the_best_so_far_and_every_parameter_are_drawn():
    figure = search_history(HISTORY)
    assert figure is not None
    runs, beta, objective = figure.axes
    best, values, *others = runs.get_lines()
    assert [*best.get_ydata()] == [-3.0, -3.0, -1.0]
    assert [*values.get_xdata()] == [0, 2, 4]
    assert {line.get_label() for line in others} == {"pruned", "failed"}
    assert beta.get_xscale() == "log"
    assert [*beta.get_lines()[1].get_xdata()] == [40.0]
    assert [text.get_text() for text in objective.get_xticklabels()] == ["vae", "hfvae"]
    assert runs.get_ylim() == beta.get_ylim()
    assert {line.get_ydata()[0] for line in others} == {min(runs.get_ylim())}
    assert min(runs.get_ylim()) < -5.0


def test_of_a_loss_the_smallest_is_the_best():
    figure = search_history(replace(HISTORY, maximized=False))
    assert figure is not None
    best, _, pruned, _ = figure.axes[0].get_lines()
    assert [*best.get_ydata()] == [-3.0, -5.0, -5.0]
    assert pruned.get_ydata()[0] > -1.0  # beyond the worst


def test_one_run_makes_no_picture():
    values = [-3.0, None, None, None, None]
    assert search_history(replace(HISTORY, values=values)) is None
