"""What a step computes and moves, and what this machine can: ``work.py CASE`` prints JSON.

A step's floating-point operations are those of its matrix products and convolutions, forward and
backward. Its bytes are those that each operation of the eager step reads and writes, as if none of
them stayed in a cache; a compiled step moves fewer. The ceilings are one large product of square
matrices and one large copy, of which the bytes read and written are counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from cases import Case
from ours import configured, dataset_of, started
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from runner.training import prepare, train


class ByteCounter(TorchDispatchMode):
    """Adds up the bytes that operations read and write; views and metadata count nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [t for t in tree_leaves((args, kwargs, result)) if isinstance(t, Tensor)]
            self.bytes += sum({id(t): t.numel() * t.element_size() for t in tensors}.values())
        return result


def of_step(case: Case) -> dict[str, float]:
    """Return operations and bytes of a step without a record."""
    config, device = configured(case, "false"), torch.device(case.device)
    dataset = dataset_of(case, device)
    state, objective = started(config, dataset, device)
    steps = train(state, objective, dataset, config, config.steps)
    next(steps)  # the first step has a record
    with FlopCounterMode(display=False) as operations:
        next(steps)
    with ByteCounter() as moved:
        next(steps)
    return {"flop": float(operations.get_total_flops()), "bytes": float(moved.bytes)}


def ceilings(device: torch.device, *, small: bool) -> dict[str, float]:
    """Return FLOP/s of products in float32 as vaerun sets them, and in bfloat16, and bytes/s."""
    edge, length = (512, 2**22) if small else (8192, 2**28)
    found: dict[str, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(edge, edge, device=device, dtype=dtype) for _ in range(2))
        seconds = _seconds(lambda a=a, b=b: a @ b, device)
        found[f"{str(dtype).removeprefix('torch.')} FLOP/s"] = 2 * edge**3 / seconds
    source = torch.zeros(length, device=device)
    target = torch.empty_like(source)
    found["bytes/s"] = 2 * 4 * length / _seconds(lambda: target.copy_(source), device)
    return found


def _seconds(call: Callable[[], object], device: torch.device, times: int = 20) -> float:
    """Return the seconds of one call, the fastest of three series."""
    found: list[float] = []
    for _ in range(4):  # the first warms up
        _wait(device)
        begun = time.perf_counter()
        for _ in range(times):
            call()
        _wait(device)
        found.append((time.perf_counter() - begun) / times)
    return min(found[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    cases = [Case(**each) for each in json.loads(sys.argv[1])]
    device = torch.device(cases[0].device)
    prepare(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    small = device.type == "cpu"
    found = {"device": name, "torch": torch.__version__, **ceilings(device, small=small)}
    work = {case.name: of_step(case) for case in cases}
    sys.stdout.write(json.dumps({"ceilings": found, "work": work}) + "\n")


if __name__ == "__main__":
    main()
