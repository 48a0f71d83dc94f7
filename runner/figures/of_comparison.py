"""All figures of a comparison that make sense for its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from rich.console import Console

from runner import progress
from runner.comparison.best import merit
from runner.comparison.configurations import Comparison
from runner.comparison.grouping import family_key, main_hyperparameter
from runner.comparison.names import short_names
from runner.comparison.representatives import RepresentativeRun, choose_runs
from runner.console.lines import print_labelled
from runner.errors import VaerunError
from runner.figures.dot_plots import dot_plots
from runner.figures.heat_maps import blocks, fields, heat_map
from runner.figures.information import information_of_runs
from runner.figures.metric_curves import metric_curves
from runner.figures.notes import add_note
from runner.figures.rate_distortion import rate_distortion
from runner.metric.quantities import quantity
from runner.plugins import Piece, call, pieces, wrong

if TYPE_CHECKING:
    from runner.evaluation.traversal_rows import Traversal

_SEEDS = 5
"""That are listed."""

_MOST_METRICS = 12
_MOST_HEAT_MAPS = 6
_MOST_FIELDS = 400
"""Of a heat map."""

_MOST_CONFIGURATIONS = 300
"""That are drawn: more of them are a blot, and take minutes."""

Traverse = Callable[[Sequence[RepresentativeRun]], Sequence["Traversal"]]
"""Opens runs of one dataset and returns the traversals of those that could be opened."""

Named = Iterator[tuple[str, Figure | None]]
"""Figures by the names of their files; None where a figure cannot be drawn."""


_OF_SINGLE_RUNS = ("traversals", "information")
"""How the names of figures of single runs begin."""

_SHOWN = {
    "rate": "small dots are runs, marks their means",
    "metric": "small dots are runs, marks and bars their mean and standard deviation",
    "heat": "mean and standard deviation over the runs",
}
"""What figures of several runs show, by how their names begin."""


@dataclass(frozen=True)
class _Compared:
    """What the figures of a comparison are drawn from."""

    comparison: Comparison
    console: Console
    traverse: Traverse

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are drawn."""
        return self.comparison.metrics[:_MOST_METRICS]

    def note(self, name: str) -> str:
        """Return what is written below a figure: how many runs are behind it, and as what."""
        if name.startswith(_OF_SINGLE_RUNS):
            metric = quantity(_main_metric(self.comparison)).short
            return f"one run each: of the runs of a configuration, the one with the median {metric}"
        several = any(len(each.runs) > 1 for each in self.comparison.configurations)
        shown = _SHOWN.get(name.partition("_")[0], "") if several else ""
        return "; ".join(part for part in (runs_behind(self.comparison), shown) if part)

    def say(self, text: str) -> None:
        """Print what is left out."""
        print_labelled(self.console, "figures", text)


def draw(comparison: Comparison, console: Console, traverse: Traverse) -> Mapping[str, Figure]:
    """Return the figures by the names of their files; what is left out is said on the console."""
    own = pieces("figure")  # before other runs are opened, which may have other pieces
    compared = _Compared(_few(comparison), console, traverse)
    if compared.comparison is not comparison:
        count, metric = len(comparison.configurations), quantity(_main_metric(comparison)).short
        compared.say(
            f"show the {_MOST_CONFIGURATIONS} best of {count:,} configurations by {metric}"
        )
    if len(compared.metrics) < len(comparison.metrics):
        compared.say(f"show the first {_MOST_METRICS} of {len(comparison.metrics)} metrics")
    parts = progress.counted(FIGURES, "figures", len(FIGURES))
    named = (each for figures in parts for each in figures(compared))
    drawn = {name: figure for name, figure in named if figure is not None}
    noted = {name: add_note(figure, [compared.note(name)]) for name, figure in drawn.items()}
    return {**noted, **dict(_own_figures(own, comparison, compared.say))}


def _own_figures(
    own: Mapping[str, Piece], comparison: Comparison, say: Callable[[str], None]
) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of comparisons that users' files add; of one that fails it is said why."""
    for name, piece in own.items():
        if piece.options["of"] != "comparison":
            continue
        try:
            figure = call(piece, comparison)
        except VaerunError as error:
            say(f"without {name}: {error.message}")
            continue
        if isinstance(figure, Figure):
            yield name, figure
        elif figure is not None:
            what = f"it must return a figure of Matplotlib or None, not {type(figure).__name__}"
            say(f"without {name}: {wrong(piece, what)}")


def runs_behind(comparison: Comparison) -> str:
    """Return how many runs each configuration has, in words, and their seeds."""
    counts = sorted({len(configuration.runs) for configuration in comparison.configurations})
    seeds = sorted({run.seed for run in comparison.runs})
    each = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    runs = f"n = {each} run{'s' * (counts[-1] > 1)} of each configuration"
    several = seeds[-1] - seeds[0] == len(seeds) - 1 and len(seeds) > 2
    ends = [f"{seeds[0]} to {seeds[-1]}"] if several else [str(seed) for seed in seeds[:_SEEDS]]
    more = " and more" if not several and len(seeds) > _SEEDS else ""
    return f"{runs}, seed{'s' * (len(seeds) > 1)} {', '.join(ends)}{more}"


def _few(comparison: Comparison) -> Comparison:
    """Return a comparison of the best configurations alone, in their order, if there are many."""
    every, metric = comparison.configurations, _main_metric(comparison)
    if len(every) <= _MOST_CONFIGURATIONS:
        return comparison
    merits = [merit(configuration, metric) for configuration in every]
    best = sorted(range(len(every)), key=lambda i: -merits[i])[:_MOST_CONFIGURATIONS]
    return replace(comparison, configurations=tuple(every[i] for i in sorted(best)))


def _main_metric(comparison: Comparison) -> str:
    """Return the first metric that has a better direction, or else the first."""
    names = (name for name in comparison.metrics if quantity(name).sign)
    return next(names, comparison.metrics[0])


def _rate_distortion(compared: _Compared) -> Named:
    yield "rate_distortion", rate_distortion(compared.comparison)


def _metrics(compared: _Compared) -> Named:
    comparison = compared.comparison
    hyperparameter = main_hyperparameter(comparison)
    setting = hyperparameter or family_key(comparison)
    if setting is not None:
        plot = metric_curves if hyperparameter else dot_plots
        name = short_names(comparison.by)[setting].replace(".", "_")
        yield f"metric_against_{name}", plot(comparison, compared.metrics)


def _heat_maps(compared: _Compared) -> Named:
    every = blocks(compared.comparison)
    grids = [grid for grid in every if fields(grid) <= _MOST_FIELDS]
    if len(grids) < len(every):
        compared.say(f"show no heat map of more than {_MOST_FIELDS} pairs of values")
    if len(grids) > _MOST_HEAT_MAPS:
        compared.say(f"show the first {_MOST_HEAT_MAPS} of {len(grids)} heat maps")
    for i, grid in enumerate(grids[:_MOST_HEAT_MAPS]):
        name = "heat_map" if len(grids) == 1 else f"heat_map_{i + 1}"
        yield name, heat_map(grid, compared.comparison.by, compared.metrics)


def _models(compared: _Compared) -> Named:
    """Yield the figures of a few models of each dataset."""
    from runner.figures.traversals import traversals_of_runs  # this imports torch

    chosen = choose_runs(compared.comparison)
    for dataset, runs in chosen.items():
        ending = f"_{dataset.replace(' ', '')}" if len(chosen) > 1 else ""
        if found := compared.traverse(runs):
            yield f"traversals{ending}", traversals_of_runs(found)
        yield f"information{ending}", information_of_runs(runs)


FIGURES: Sequence[Callable[[_Compared], Named]] = (
    _rate_distortion,
    _metrics,
    _heat_maps,
    _models,
)
"""In the order in which they are drawn and shown."""
