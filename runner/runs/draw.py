"""The figures of a run in its folder, in the formats and the width of its settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import Generator

from runner.console.part_display import PartDisplay
from runner.figures.page import PRINT_DPI, page
from runner.runs.about import about
from runner.runs.load import LoadedRun
from runner.runs.own_figures import own_figures
from runner.store.pictures import PictureFiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from runner.figures.of_run import RunFigures


def write_figures(
    run: LoadedRun, drawn: RunFigures, source: Generator, display: PartDisplay, *, alone: bool
) -> dict[str, Path]:
    """Write every figure of a run and return the paths by name.

    ``alone``: delete the files of other formats, which show an earlier state.
    """
    folder, files = run.folder, picture_files(run)

    def write(name: str, figure: Figure) -> Path:
        return folder.write_figure(name, figure, files, alone=alone)

    paths: dict[str, Path] = {}
    with display.part("figures"), page(run.config.figures.width):
        for name, figure in drawn.figures(source):
            paths[name] = write(name, figure)
        paths |= own_figures(run, write)
    with display.part("animation"):
        frames = drawn.animation()
    if frames is not None:
        paths["traversal"] = folder.write_animation(
            "traversal", frames, seconds_per_frame=0.12, about=files.about
        )
    return paths


def picture_files(run: LoadedRun) -> PictureFiles:
    """Return how the figures of a run are written."""
    figures = run.config.figures
    dpi = None if figures.width is None else PRINT_DPI
    return PictureFiles(figures.format, about(run.config, run.step, run.folder), dpi)
