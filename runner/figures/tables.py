"""Tables whose fields are coloured by their numbers.

Shapes: I rows, J columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

_DARK = 0.65
"""Share of the scale from where text is white."""


class Table(NamedTuple):
    """Numbers in rows and columns, with NaN where there is none, and what is written for each."""

    values_IJ: NDArray[np.floating]
    texts: Sequence[Sequence[str]]
    rows: Sequence[str]
    columns: Sequence[str]


def draw_table(axes: Axes, table: Table, low: float, high: float) -> None:
    """Draw a field for each number, from the palest at ``low`` to the darkest at ``high``.

    The first row is at the top; what does not exist is left white.
    """
    values_IJ = table.values_IJ
    edges_J, edges_I = (np.arange(length + 1) - 0.5 for length in values_IJ.T.shape)
    known_IJ = np.ma.masked_invalid(values_IJ)
    fields = axes.pcolormesh(edges_J, edges_I, known_IJ, cmap="Blues", vmin=low, vmax=high)
    fields.set(edgecolor="white", linewidth=1.5)
    for i, values_J in enumerate(values_IJ.tolist()):
        for j, value in enumerate(values_J):
            if math.isfinite(value):
                text = axes.text(j, i, table.texts[i][j], ha="center", va="center")
                text.set_linespacing(1.3)
                if value - low > _DARK * (high - low):
                    text.set_color("white")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_yticks(range(len(table.rows)), table.rows)
    axes.set_xticks(range(len(table.columns)), table.columns)
