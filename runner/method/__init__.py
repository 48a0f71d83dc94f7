"""What fits the images of a run and represents them: the VAE family, and methods beside it."""

from __future__ import annotations

from runner.method.method import Method, OpenedMethod
from runner.method.registry import METHODS, method_of
from runner.method.trained_on import TrainedOn

__all__ = ["METHODS", "Method", "OpenedMethod", "TrainedOn", "method_of"]
