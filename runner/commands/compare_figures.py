"""The figures of ``vaerun compare``: what they are written as, and what their metadata says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import runner
from runner.commands.arguments import Arguments
from runner.comparison.configurations import Comparison
from runner.comparison.representatives import RepresentativeRun
from runner.config import parse_formats, refuse, width_rules
from runner.console.part_display import PartDisplay
from runner.errors import UsageError
from runner.store.pictures import About, rendered

if TYPE_CHECKING:
    from runner.evaluation.traversal_rows import Traversal

_ELSEWHERE = ("--out", "--html", "--wandb", "--trust")
"""Options about where files go, which say nothing about a picture."""


@dataclass(frozen=True)
class Look:
    """How figures are written."""

    formats: Sequence[str]
    width: float | None
    """Of the page, in inches; None: as wide as they need."""
    command: str
    """The command line, without paths."""


def look_of(arguments: Arguments) -> Look:
    """Return what the options of a command line say.

    Raises: UsageError for what is no format, or no width of a page.
    """
    formats = parse_formats("--format", arguments.texts("--format") or ["png"])
    return Look(formats, _width(arguments.text("--width")), _command(arguments))


def _width(given: str | None) -> float | None:
    try:
        width = None if given is None else float(given)
    except ValueError:
        message = f"--width must be a number of inches, got '{given}'"
        raise UsageError(message, "3.3 is a column of a journal, 6.9 two") from None
    refuse(width_rules("--width", width))
    return width


def _command(arguments: Arguments) -> str:
    """Return the command line with the names of folders in place of their paths."""
    words = ["vaerun compare", *(shlex.quote(Path(each).name) for each in arguments.operands)]
    for option, value in arguments.flags.items():
        if option not in _ELSEWHERE:
            given = ",".join(map(str, value)) if isinstance(value, list) else value
            words += [option] if given is True else [option, shlex.quote(str(given))]
    return " ".join(words)


def draw(console: Console, comparison: Comparison, look: Look) -> dict[tuple[str, str], bytes]:
    """Return the figures as files, by name and format; always as PNG, for the page, too."""
    from runner.figures.of_comparison import draw as drawn  # matplotlib is slow to import
    from runner.figures.page import PRINT_DPI, page

    def traverse(chosen: Sequence[RepresentativeRun]) -> Sequence[Traversal]:
        from runner.runs.traverse import traverse_runs  # this imports torch, and the datasets

        return traverse_runs(chosen, console)

    about, dpi = _about(comparison, look), PRINT_DPI if look.width else None
    pictures: dict[tuple[str, str], bytes] = {}
    with PartDisplay(console) as display, display.part("figures"), page(look.width):
        for name, figure in drawn(comparison, console, traverse).items():
            for form in dict.fromkeys(["png", *look.formats]):
                pictures[name, form] = rendered(figure, form, about.of(name), dpi)
    return pictures


def _about(comparison: Comparison, look: Look) -> About:
    """Return the metadata of the figures of a comparison: what its runs have."""
    keys = ("dataset.name", "objective.name", *comparison.by, "seed", "steps")
    found = {
        key.removesuffix(".name"): ",".join(
            dict.fromkeys(str(run.settings.get(key)) for run in comparison.runs)
        )
        for key in dict.fromkeys(keys)
    }
    title = f"a comparison of {len(comparison.runs):,} runs"
    return About(title, found, look.command, f"vaerun {runner.__version__}")
