"""vaerun: train, compare and evaluate disentangled autoencoders.

The rooms; imports go down only, and those of one line do not import each other:

    cli                       arguments → command; every error → one line and an exit code
    commands                  one file per command, and the reading of arguments
    api | grid                what ``import runner`` offers | many runs: folder, workers, launchers
    runs                      the story of one run; opening one again
    figures                   every plot, one style
    report | evaluation | training | console | tracking
                              tables and the page | numbers | the loop | the terminal | W&B
    comparison | dataset | model | objective
                              configurations, statistics | data | networks, densities | terms
    metric | store | config   scores of codes | what lies on disk | typed settings, composition
    files | memory | progress opening of files | too little memory | how far a computation is
    errors                    what can go wrong

From Python::

    import runner

    run = runner.train(runner.compose("dataset=digits", "objective=hfvae", "steps=500"))
    codes = run.encode(images)

The names below are imported when they are first used: ``import runner`` itself takes no PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.api.collecting import compare, find_runs
    from runner.api.composing import compose
    from runner.api.encoded import Encoded
    from runner.api.run import Run, load_run
    from runner.api.training import train
    from runner.api.traversing import Traversal
    from runner.errors import (
        DataError,
        DivergedError,
        InterruptedRun,
        UsageError,
        VaerunError,
    )

__version__ = "0.2.0"

__all__ = [
    "DataError",
    "DivergedError",
    "Encoded",
    "InterruptedRun",
    "Run",
    "Traversal",
    "UsageError",
    "VaerunError",
    "__version__",
    "compare",
    "compose",
    "find_runs",
    "load_run",
    "train",
]

_HOMES = {
    "compare": "runner.api.collecting",
    "find_runs": "runner.api.collecting",
    "compose": "runner.api.composing",
    "Encoded": "runner.api.encoded",
    "Run": "runner.api.run",
    "load_run": "runner.api.run",
    "train": "runner.api.training",
    "Traversal": "runner.api.traversing",
    "DataError": "runner.errors",
    "DivergedError": "runner.errors",
    "InterruptedRun": "runner.errors",
    "UsageError": "runner.errors",
    "VaerunError": "runner.errors",
}
"""Name → the module that has it."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class or a function
    """Import a name of ``__all__`` when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'runner' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names that there are, used or not."""
    return sorted({*globals(), *__all__})
