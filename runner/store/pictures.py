"""A figure as the bytes of a file, PNG, PDF or SVG, with what it shows as metadata.

The bytes depend on the figure and its metadata alone: no file has a date in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = ("png", "pdf", "svg")
"""The formats of figures, which are the endings of their files."""

_LIBRARY: Mapping[Any, Any] = {
    "pdf.fonttype": 42,  # whole TrueType fonts within the file, as journals ask
    "svg.fonttype": "path",  # letters as outlines: the same on machines without the font
    "svg.hashsalt": "vaerun",  # the ids within the file are otherwise random
}


@dataclass(frozen=True)
class About:
    """What a picture's metadata says: neither paths of a machine nor names of its users."""

    title: str = ""
    """The name of the run, or what is compared."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """The settings that matter, by name."""
    command: str = ""
    """What makes it again."""
    creator: str = "vaerun"
    """The program and its version."""

    def of(self, name: str) -> About:
        """Return what the metadata of one figure say."""
        figure = name.replace("_", " ")
        return replace(self, title=f"{figure} of {self.title}" if self.title else figure)

    @property
    def description(self) -> str:
        """The settings and the command in one line."""
        return "; ".join(part for part in (" ".join(self.words), self.command) if part)

    @property
    def words(self) -> list[str]:
        """The settings, each as the command line writes it."""
        return [f"{name}={value}" for name, value in self.settings.items()]


@dataclass(frozen=True)
class PictureFiles:
    """How figures are written."""

    formats: Sequence[str] = ("png",)
    about: About = field(default_factory=About)
    dpi: float | None = None
    """Pixels of an inch of a PNG; None: those that the figure was laid out for."""


def rendered(figure: Figure, form: str, about: About, dpi: float | None = None) -> bytes:
    """Return a figure as a file of a format: ``png``, ``pdf`` or ``svg``."""
    import matplotlib

    content = BytesIO()
    with matplotlib.rc_context(dict(_LIBRARY)):
        figure.savefig(content, format=form, metadata=_metadata(form, about), dpi=dpi or "figure")
    return content.getvalue()


def _metadata(form: str, about: About) -> dict[str, Any]:
    """Return the entries of a format that are not empty; a date that is None is left out."""
    entries: dict[str, Any] = {"Title": about.title, "Creator": about.creator}
    if form == "pdf":
        entries |= {"Subject": about.description, "Keywords": ", ".join(about.words)}
        dates = {"CreationDate": None}
    elif form == "svg":
        entries |= {"Description": about.description, "Keywords": about.words}
        dates = {"Date": None}
    else:
        entries = {"Title": about.title, "Software": about.creator}
        entries |= {"Description": about.description, "Comment": about.command}
        dates = {}
    return {key: value for key, value in entries.items() if value} | dates
