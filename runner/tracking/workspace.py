"""A saved view of a project on W&B: the runs of one grid, side by side."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from runner.errors import UsageError, VaerunError
from runner.metric.quantities import quantity, shown_in
from runner.tracking.mode import one_line, require_server, silent_wandb

_FIGURES = ("traversals", "traversal", "interpolation", "reconstructions", "samples", "latents",
            "information")  # fmt: skip
"""The figures of every run, logged as ``figures/NAME``; traversals come first."""

_WEIGHTS = ("beta", "gamma", "alpha")


def save_workspace(  # noqa: PLR0913 - a place on W&B, and its content
    entity: str | None,
    project: str,
    group: str | None,
    *,
    name: str,
    metrics: Sequence[str],
    by: Sequence[str],
) -> str:
    """Save a view of the runs of ``group``, or of all without one, and return its address.

    Args:
        entity: the user or team; None: the default one of the key.
        project: the project that has the runs.
        group: the runs' group.
        name: the name of the view.
        metrics: columns of the runs' summaries, such as ``elbo`` and ``scores/mean/mig``.
        by: the distinguishing settings, such as ``objective.name`` and ``beta``, by which the runs
            are grouped.

    Raises:
        UsageError: wandb-workspaces is not installed, or there is no key that the server accepts.
        VaerunError: the server does not answer, or rejects the view.
    """
    workspaces = _package()
    require_server()
    settings = ["objective.name", *(key for key in by if key != "objective.name")]
    try:
        view = workspaces.Workspace(
            entity=entity or _default_entity(),
            project=project,
            name=name,
            sections=_sections(metrics, settings),
            settings=workspaces.WorkspaceSettings(x_axis="step", max_runs=100),
            runset_settings=workspaces.RunsetSettings(
                filters=_of_group(group) if group else "",
                groupby=[workspaces.Config(key) for key in settings],
            ),
        )
        return str(view.save().url)
    except Exception as error:  # W&B raises errors of many kinds
        raise VaerunError(f"W&B did not take the view: {one_line(error)}") from error


def require() -> None:
    """Check, before anything is written, that a view can be saved.

    Raises: as :func:`save_workspace`.
    """
    _package()
    require_server()


def _package() -> ModuleType:
    """Return wandb-workspaces, without its own deprecation warnings."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from wandb_workspaces import workspaces
    except ImportError as error:
        hint = "pip install 'vaerun[workspaces]'"
        raise UsageError("a view on W&B needs wandb-workspaces", hint) from error
    return workspaces


def _of_group(group: str) -> str:
    """Return the filter for a group, in the filter language of wandb-workspaces."""
    name = repr(group).replace("=", "\\x3d")  # it doubles every equals sign, even within a name
    return f"Metric('Group') == {name}"


def _default_entity() -> str:
    return str(silent_wandb().Api().default_entity)


def _sections(metrics: Sequence[str], settings: Sequence[str]) -> list[Any]:
    """Return the panels: final numbers of the runs, then the terms over steps, then pictures."""
    from wandb_workspaces.workspaces import Section

    weight = next((key for key in _WEIGHTS if key in settings), _WEIGHTS[0])
    sections: dict[str, list[Any]] = {
        "settings and metrics": _overview(metrics, settings),
        f"metrics against {weight}": _against(weight, metrics),
        "the five terms": _terms(),
        "pictures": _pictures(),
    }
    return [Section(name, panels, is_open=True) for name, panels in sections.items()]


def _overview(metrics: Sequence[str], settings: Sequence[str]) -> list[Any]:
    """Return parallel coordinates of settings and metrics, and rate against distortion."""
    from wandb_workspaces.reports import v2

    axes = [
        *(v2.Config(key) for key in [*settings, "seed"]),
        *(v2.SummaryMetric(metric) for metric in metrics),
    ]
    columns = [v2.interface.ParallelCoordinatesPlotColumn(metric=axis) for axis in axes]
    rate, distortion = v2.SummaryMetric("rate"), v2.SummaryMetric("terms/reconstruction")
    return [
        v2.ParallelCoordinatesPlot(title="settings and metrics", columns=columns),
        v2.ScatterPlot(title="rate and distortion, nats", x=rate, y=distortion),
    ]


def _against(weight: str, metrics: Sequence[str]) -> list[Any]:
    from wandb_workspaces.reports import v2

    return [
        v2.ScatterPlot(
            title=f"{quantity(metric).short_with_unit}, against {weight}",
            x=v2.Config(weight),
            y=v2.SummaryMetric(metric),
        )
        for metric in metrics
    ]


def _terms() -> list[Any]:
    from wandb_workspaces.reports import v2

    return [
        v2.LinePlot(title=each.title_with_unit, x="step", y=[each.name])
        for each in shown_in("workspace")
    ]


def _pictures() -> list[Any]:
    from wandb_workspaces.reports import v2

    return [v2.MediaBrowser(title=name, media_keys=[f"figures/{name}"]) for name in _FIGURES]
