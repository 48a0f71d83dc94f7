"""Own pieces of a user: what a file or an installed package adds to the choices that there are.

A file that ``plugins=[my_pieces.py]`` names calls these functions::

    from runner.plugins import add_penalty

    add_penalty("centre", lambda settings, inputs: inputs.z_BW.mean().square(), help="…")

Called anywhere else, such as in a test of that file, they check what they are given and add
nothing. What is added is looked up by the rooms that hold our own choices (:func:`piece`).
"""

from runner.plugins.adding import (
    add_dataset,
    add_figure,
    add_likelihood,
    add_metric,
    add_network,
    add_penalty,
    add_prior,
)
from runner.plugins.calls import call, wrong
from runner.plugins.loading import GROUP, Plugin, installed, load_file, load_installed
from runner.plugins.pieces import KINDS, Piece
from runner.plugins.registry import activate, active, piece, pieces

__all__ = [
    "GROUP",
    "KINDS",
    "Piece",
    "Plugin",
    "activate",
    "active",
    "add_dataset",
    "add_figure",
    "add_likelihood",
    "add_metric",
    "add_network",
    "add_penalty",
    "add_prior",
    "call",
    "installed",
    "load_file",
    "load_installed",
    "piece",
    "pieces",
    "wrong",
]
