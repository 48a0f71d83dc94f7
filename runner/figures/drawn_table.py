"""A table of words and numbers as a figure."""

from __future__ import annotations

from matplotlib.figure import Figure

from runner.evaluation.text_tables import TextTable
from runner.figures.numbers import number
from runner.figures.style import LINE, QUIET, QUIET_INK, fit, new_figure, styled, text_width

_GAP = 18
"""Pixels between columns."""


@styled()
def drawn_table(table: TextTable, most: int) -> Figure:
    """Return the first ``most`` rows of a table, a line for each, below its columns' names."""
    rows = [[_text(cell) for cell in row] for row in table.rows[:most]]
    widths = [
        max(text_width(text or " ") for text in column)
        for column in zip(table.columns, *rows, strict=True)
    ]
    height, width = (len(rows) + 1) * LINE, sum(widths) + _GAP * (len(widths) - 1)
    figure, grid = new_figure([height], [width])
    axes = figure.add_subplot(grid[0, 0])
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.axhline(LINE, color=QUIET, linewidth=0.6)
    for line, cells in enumerate([list(table.columns), *rows]):
        left = 0.0
        for j, (cell, space) in enumerate(zip(cells, widths, strict=True)):
            is_number = bool(table.rows) and isinstance(table.rows[0][j], float)
            place = left + space if is_number else left
            text = axes.text(place, (line + 0.5) * LINE, cell, va="center")
            text.set_horizontalalignment("right" if is_number else "left")
            if line == 0:
                text.set_color(QUIET_INK)
            left += space + _GAP
    more = len(table.rows) - len(rows)
    axes.set_title(table.title + (f"; {more} more are not shown" if more else ""))
    return fit(figure, grid)


def _text(cell: str | float) -> str:
    return cell if isinstance(cell, str) else number(cell, 2)
