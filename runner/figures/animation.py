"""The traversals of a model as frames: all variables move at once, to and fro.

Shapes: T steps of a traversal, C H W image, F frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from runner.evaluation.traversal_rows import TraversalRow
from runner.figures.page import DPI
from runner.figures.style import LINE, styled, text_width
from runner.figures.traversals import of_variables

_TILE = 120
"""Edge of an image, as near as a whole zoom comes to it."""

_GAP = 16
"""White between the images."""


@styled()
def traversal_frames(rows: Sequence[TraversalRow]) -> NDArray[np.uint8]:
    """Return frames that show every variable at one step, swinging forth and back, (F, H, W, 3).

    A discrete variable steps through its categories. T steps give 2T - 2 frames: repeated, the last
    is followed by the first.
    """
    variables = [_variable(block) for block in of_variables(rows)]
    steps, _, height, width = rows[0].images_TCHW.shape
    zoom = max(1, round(_TILE / max(height, width)))
    labels = [label for label, _ in variables]
    pitch_x = max(zoom * width, math.ceil(text_width(*labels))) + _GAP
    pitch_y = zoom * height + LINE + _GAP
    columns = math.ceil(math.sqrt(len(variables)))
    size = (columns * pitch_x, math.ceil(len(variables) / columns) * pitch_y)
    corners = [
        (i // columns * pitch_y + _GAP // 2 + LINE, i % columns * pitch_x + _GAP // 2)
        for i in range(len(variables))
    ]
    way = [*range(steps), *range(steps - 2, 0, -1)]
    frames_FHW3 = np.repeat(_labelled(labels, corners, size)[None], len(way), axis=0)
    for (_, images_TCHW), (top, left) in zip(variables, corners, strict=True):
        bytes_TCHW = np.rint(255 * images_TCHW.clip(0, 1)).astype(np.uint8)
        tiles_THWC = bytes_TCHW.repeat(zoom, 2).repeat(zoom, 3).transpose(0, 2, 3, 1)
        box = np.s_[:, top : top + zoom * height, left : left + zoom * width]
        frames_FHW3[box] = tiles_THWC[way]
    return frames_FHW3


def _variable(block: Sequence[TraversalRow]) -> tuple[str, NDArray[np.floating]]:
    """Return a variable's name and its images: for a discrete one, one image in each category."""
    label, images_TCHW = block[0].label, block[0].images_TCHW
    if len(block) == 1:
        return label, images_TCHW
    chosen_T = np.linspace(0, len(block) - 1, len(images_TCHW)).round().astype(int)
    return label.partition(" = ")[0], np.stack([block[k].images_TCHW[0] for k in chosen_T])


def _labelled(
    labels: Sequence[str], corners: Sequence[tuple[int, int]], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a white frame of that width and height with labels above corners, (H, W, 3).

    Frames are arrays whose images are put in by their pixels, so labels are placed by pixels too.
    """
    width, height = size
    figure = Figure(figsize=(width / DPI, height / DPI))
    canvas = FigureCanvasAgg(figure)
    for label, (top, left) in zip(labels, corners, strict=True):
        figure.text(left / width, 1 - (top - 6) / height, label)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
