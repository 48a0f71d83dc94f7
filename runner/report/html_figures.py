"""The figures of a comparison's page: pictures within the page itself, each with a caption."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass

_CAPTIONS = {
    "rate_distortion": (
        "Rate and distortion",
        "How much a model's code says about an image (rate, nats) and how badly the image is "
        "then described (distortion, nats). Small dots are runs, large ones the mean of runs "
        "that differ in their seed; along a diagonal the ELBO is the same.",
    ),
    "metric_against": (
        "Metrics against a setting",
        "A panel per metric: the mean over seeds, with its standard deviation as a bar, and each "
        "run as a small dot.",
    ),
    "heat_map": (
        "Metrics over two settings",
        "A panel per metric: the mean, and the standard deviation over seeds, of the runs with "
        "these two settings. Where nothing is written there is no run.",
    ),
    "traversals": (
        "Traversals of chosen runs",
        "What changes in an image as one latent variable changes and all others stay. The bar "
        "beside a row is the information, in nats, of that variable about the image; all bars "
        "share one scale.",
    ),
    "information": (
        "Information",
        "The information of each latent variable about the image, and of each group of variables "
        "about the known factors, in nats, for chosen runs.",
    ),
}
"""Title and caption of each kind of figure, by how its name begins."""


@dataclass(frozen=True)
class CaptionedFigure:
    """A picture within the page."""

    title: str
    caption: str
    base64: str
    """The PNG file."""
    width: int
    """In pixels."""
    height: int

    @property
    def alt(self) -> str:
        """What is read aloud instead of the picture."""
        return f"{self.title}. {self.caption}".strip()


def figures_with_captions(figures: Mapping[str, bytes]) -> list[CaptionedFigure]:
    """Return PNG files by their names as figures with title and caption."""
    return [_figure(name, png) for name, png in figures.items()]


def _figure(name: str, png: bytes) -> CaptionedFigure:
    begins = next((key for key in _CAPTIONS if name.startswith(key)), None)
    title, caption = _CAPTIONS[begins] if begins else (name.replace("_", " ").capitalize(), "")
    rest = name.removeprefix(begins).replace("_", " ").strip() if begins else ""
    if rest:
        title = f"{title} ({rest})" if rest.isdecimal() else f"{title}: {rest}"
    width, height = _size(png)
    return CaptionedFigure(title, caption, base64.b64encode(png).decode("ascii"), width, height)


def _size(png: bytes) -> tuple[int, int]:
    """Return width and height in pixels, from the header that every PNG file begins with."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height
