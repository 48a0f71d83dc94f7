"""Figures of a run that a user's file adds; one that fails does not lose the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.console.run_display import print_note
from runner.errors import VaerunError
from runner.plugins import call, pieces, wrong
from runner.runs.load import LoadedRun

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


def own_figures(run: LoadedRun, write: Callable[[str, Figure], Path]) -> dict[str, Path]:
    """Draw and write the own figures of a run, and return their paths by name.

    What goes wrong in one is said on the console, and the others are drawn.
    """
    from matplotlib.figure import Figure

    paths: dict[str, Path] = {}
    for name, piece in pieces("figure").items():
        if piece.options["of"] != "run":
            continue
        try:
            figure = call(piece, run)
            if figure is None:
                continue
            if not isinstance(figure, Figure):
                what = f"it must return a figure of Matplotlib or None, not {type(figure).__name__}"
                raise VaerunError(wrong(piece, what))  # noqa: TRY301 - said as others are
            paths[name] = write(name, figure)
        except VaerunError as error:
            print_note(run.console, f"not drawn: {error.message}")
    return paths
