"""Several runs of vaerun that train together, where the checkout has such a loop."""

from __future__ import annotations

from importlib.util import find_spec

from cases import Case
from gate import Gate


def run(case: Case, gate: Gate, compiled: str) -> None:
    if find_spec("runner.training.packed") is None:
        gate.refuse("this checkout does not train runs together")
        return
    raise NotImplementedError
