"""vaerun's compiled step, replayed as a CUDA graph (``torch.compile(mode="reduce-overhead")``)."""

from __future__ import annotations

from functools import partial
from typing import Any

import ours
import torch
from cases import Case
from gate import Gate


def run(case: Case, gate: Gate, compiled: str) -> None:
    compile_with_graphs: Any = partial(torch.compile, mode="reduce-overhead")
    torch.compile = lambda function, **_: compile_with_graphs(function, dynamic=False)
    ours.run(case, gate, "true")
