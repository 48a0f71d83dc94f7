"""A console on which text cannot act: names and errors may come from anyone's files."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from runner.store.shown_text import escaped


class SafeConsole(Console):
    r"""A console that shows control characters in texts, tables and panels as escapes: ``\x1b``.

    The commands to the terminal that come from rich itself are no text, and are carried out.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return the segments of anything that is printed, with their texts made safe."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(escaped(segment.text), segment.style)
