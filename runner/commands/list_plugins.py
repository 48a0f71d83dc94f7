"""The own pieces in ``vaerun list``: of plugins that are named, and which packages offer some."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.plugins import active, installed

_CHOSEN_BY = {
    "dataset": "dataset={}",
    "network": "architecture={}",
    "prior": "prior={}",
    "likelihood": "likelihood={}",
    "penalty": "objective.penalties.{}",
    "metric": "metrics.{}",
    "figure": "figures/{}.png",
}
"""Kind → how a piece of it is chosen, or where it is found."""


def print_plugins(console: Console) -> None:
    """Print the pieces of each plugin that is named, and the installed packages that are not."""
    for plugin in active():
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
        table.add_column("piece", no_wrap=True, style="cyan")
        table.add_column("meaning", overflow="fold")
        for piece in plugin.pieces:
            table.add_row(Text(_CHOSEN_BY[piece.kind].format(piece.name)), Text(piece.help))
        version = f"{plugin.package} {plugin.version}" if plugin.package else None
        name = str(plugin.path or plugin.name)
        console.print(Text(f"{name}  {version}" if version else name, "dim"), soft_wrap=True)
        console.print(Padding(table, (0, 0, 1, 2), expand=False))
    named = {plugin.name for plugin in active()}
    for name, point in installed().items():
        if name not in named:
            package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
            console.print(Text(f"plugins=[{name}]  of the installed package {package}", "dim"))
