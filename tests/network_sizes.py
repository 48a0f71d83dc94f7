"""The edge of the square images that each network is tried with."""

from __future__ import annotations

SIZES = {
    "mlp": 8,
    "broadcast": 8,
    "prodlda": 8,
    "nvdm": 8,
    "conv": 20,
    "conv28": 28,
    "conv32": 32,
    "conv64": 64,
}
