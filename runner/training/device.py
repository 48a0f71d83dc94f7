"""Where a run computes, and how precisely it multiplies matrices."""

from __future__ import annotations

import torch

from runner.errors import UsageError
from runner.training.allocator import keep_freed_memory


def choose_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is the first there is of cuda, mps and cpu.

    Raises: UsageError when this machine has no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    device = torch.device(name)
    here = [d for d, there in (("cuda", cuda), ("mps", mps), ("cpu", True)) if there]
    missing = device.type not in here
    if device.type == "cuda" and not missing:
        missing = (device.index or 0) >= torch.cuda.device_count()
    if missing:
        raise UsageError(
            f"device={name} is not on this machine, which has {', '.join(here)}",
            "device=auto takes the first there is",
        )
    return device


def prepare(device: torch.device) -> None:
    """Set up this process for computing on a device.

    On a CPU, memory is kept for the next step (:mod:`runner.training.allocator`). Float32 matrix
    products use the fastest kernels that keep their digits.
    On a CPU "medium" hands products to oneDNN, about twice as fast as the default library and with
    float32 results; only where the CPU has bfloat16 matrix units would it round the inputs, and
    there, as on a GPU, the default stays.
    """
    if device.type == "cpu":
        keep_freed_memory()
    has_matrix_units = torch.cpu._is_amx_tile_supported  # pyright: ignore[reportPrivateUsage] - no public name
    rounds = device.type != "cpu" or has_matrix_units()
    torch.set_float32_matmul_precision("highest" if rounds else "medium")


def describe_device(device: torch.device) -> str:
    """Return the device as a person would say it, with a GPU's name or a CPU's threads."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)
