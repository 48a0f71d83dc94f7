"""The compiled step: made by torch.compile at its first call, and left alone where that fails.

Nothing of the compiler is imported before. On a CPU it needs a C++ compiler, on a GPU Triton; there
the steps run as CUDA graphs, whose outputs are overwritten by the next step: the loop copies what
it keeps.
"""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch

from runner.training.step import step
from runner.training.step_output import StepOutput

Step = Callable[..., StepOutput]
"""A function with the arguments of :func:`runner.training.step.step`."""

_LOGGERS = ("torch._dynamo", "torch._inductor", "torch.utils.cpp_extension")


def missing_compiler(device: torch.device) -> str | None:
    """Return what this machine lacks to compile for a device, in words; None: nothing."""
    if device.type == "cuda":
        return None if find_spec("triton") else "Triton"
    if device.type != "cpu":
        return f"a compiler for {device.type}"
    chosen = os.environ.get("CXX")
    names = [chosen] if chosen else ["g++", "clang++", "c++", "cl"]
    return None if any(shutil.which(name) for name in names) else "a C++ compiler"


class CompiledStep:
    """The step, compiled for the shapes of its first call.

    Steps with terms, one in ``training.record_every``, are not compiled: they would be a second
    program, which costs as much as the first to make.
    """

    def __init__(self, device: torch.device) -> None:
        self.failure: str | None = None
        """Why steps are not compiled after all, in one line; None where they are."""
        self._on_gpu = device.type == "cuda"
        self._step: Step | None = None

    def __call__(self, *arguments: Any, with_terms: bool, **others: Any) -> StepOutput:  # noqa: ANN401 - those of step
        """Return what :func:`step` returns, compiled where it can be."""
        if with_terms or self.failure is not None:
            return step(*arguments, with_terms=with_terms, **others)
        if self._step is None:
            return self._first(*arguments, **others)
        if self._on_gpu:
            torch.compiler.cudagraph_mark_step_begin()
        return self._step(*arguments, with_terms=False, **others)

    def _first(self, *arguments: Any, **others: Any) -> StepOutput:  # noqa: ANN401 - those of step
        """Compile, and compute a step; where the compiler fails, compute it without."""
        try:
            with _quiet():
                compiled = _compiled(on_gpu=self._on_gpu)
                # Differentiated at once, since the backward computation is compiled then.
                loss = compiled(*arguments, with_terms=False, **others).loss
                loss.backward()  # the loop forgets the gradients before its own
                result = compiled(*arguments, with_terms=False, **others)
        except Exception as error:
            # An error of the step itself, such as too little memory, comes again without them.
            result = step(*arguments, with_terms=False, **others)
            self.failure = _in_one_line(error)
            return result
        self._step = compiled
        return result


def _compiled(*, on_gpu: bool) -> Step:
    import torch._inductor.config as inductor

    # Its pool of compiling processes would import torch once more in each of them.
    inductor.compile_threads = 1
    mode = "reduce-overhead" if on_gpu else None
    return torch.compile(step, dynamic=False, mode=mode)


def _in_one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}"[:200] if lines else type(error).__name__


@contextmanager
def _quiet() -> Generator[None]:
    """Keep what the compiler warns of from the terminal: none of it is about the run."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
