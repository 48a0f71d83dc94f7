"""Images of one style in a row, one for each class.

Shapes: N rows, K classes, C H W image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from runner.figures.images import tile
from runner.figures.style import ACCENT, fit, new_figure, styled, text_width


@styled()
def class_grid(
    images_NKCHW: NDArray[np.floating],
    class_names: Sequence[str],
    originals_NCHW: NDArray[np.floating] | None = None,
) -> Figure:
    """Return a row of images per style, a column per class.

    ``originals_NCHW``: the images that the styles were inferred from, framed in the first column.
    """
    names = list(class_names[: images_NKCHW.shape[1]])
    if originals_NCHW is not None:
        images_NKCHW = np.concatenate([originals_NCHW[:, None], images_NKCHW], axis=1)
        names = ["image", *names]
    apart = (1,) if originals_NCHW is not None else ()
    montage = tile(images_NKCHW, columns_apart=apart)
    height, width = montage.size
    figure, grid = new_figure([height], [width])
    axes = figure.add_subplot(grid[0])
    montage.draw(axes)
    for top in montage.tops_I if originals_NCHW is not None else ():
        frame = Rectangle((montage.lefts_J[0] - 0.5, top - 0.5), montage.width, montage.height)
        frame.set(fill=False, edgecolor=ACCENT, linewidth=1.5, clip_on=False)
        axes.add_patch(frame)
    axes.xaxis.tick_top()
    crowded = text_width(*names) > montage.zoom * montage.width
    axes.set_xticks(montage.centres_J, names, rotation=90 if crowded else 0)
    return fit(figure, grid)
