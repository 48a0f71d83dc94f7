"""What a model makes of a few fixed images while it trains: reconstructions and traversals.

The images are of the training part, chosen by the seed, and so is all noise: pictures of different
steps and of runs with different settings show the same images. Nothing that training draws depends
on them.

Shapes: N images, I rows, T steps of a traversal, C H W image.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from runner import memory
from runner.console.run_display import print_note
from runner.console.speed import Speed
from runner.dataset import IMAGES, POINTS
from runner.errors import VaerunError
from runner.evaluation import Encodings, encode
from runner.evaluation.representation import Representation
from runner.evaluation.traversal_rows import positions_of, traversal_rows, unit_of
from runner.runs.preparation import TRAINING, PreparedRun
from runner.tracking.trackers import Trackers
from runner.training import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RECONSTRUCTIONS = 12
_VARIABLES = 12
_STEPS = 11
_ENCODED = 256
"""Images that are encoded; where there is no prior, traversals are scaled to their codes."""

_POINTS = 1000
_EDGE = 64
"""Pixels along an edge; larger images are drawn smaller."""

_VALUES = 2**24
"""Pixels of all traversed images together."""


class TrainingImages:
    """Draws the pictures of a run that trains into ``figures/training/NAME-STEP.png``.

    What goes wrong with a picture is printed in one line and ends them, and not the run.
    """

    def __init__(self, run: PreparedRun) -> None:
        """Take the run; ``tracking.images_every`` says when pictures are drawn."""
        self._run = run
        self._every = run.config.tracking.images_every

    def due(self, step: int) -> bool:
        """Return whether pictures are to be drawn after a step."""
        return self._every is not None and step % self._every == 0

    def log_if_due(self, trackers: Trackers, speed: Speed) -> None:
        """Draw the pictures that are due after the present step, and log them."""
        step = self._run.step
        if self.due(step):
            trackers.log_images(self.draw(speed), step)

    def draw(self, speed: Speed) -> dict[str, Path]:
        """Write the pictures of the present step, and return their paths by name.

        ``speed``: that of training, which leaves out the time that this takes.
        """
        begun, folder, step = time.monotonic(), self._run.folder, self._run.step
        paths: dict[str, Path] = {}
        try:
            for name, figure in dict(self._figures()).items():  # drawn before any is written
                file = f"{TRAINING}/{name}-{step:08d}"
                paths[f"{TRAINING}/{name}"] = folder.write_figure(file, figure)
        except Exception as error:  # a full disk, too little memory: training needs neither
            self._end(f"images while training have stopped: {_reason(error)}")
        else:
            if not paths:
                what = self._run.dataset.kind.examples
                self._end(f"there are no images while training: {what} need a plane of latents")
        speed.leave_out(time.monotonic() - begun)
        return paths

    def _end(self, reason: str) -> None:
        self._every = None
        print_note(self._run.console, reason)

    def _figures(self) -> Iterator[tuple[str, Figure]]:
        run = self._run
        source = generator(run.device, run.config.seed, "training images")
        points = run.dataset.kind is POINTS
        count = _POINTS if points else min(_ENCODED, run.config.batch_size)
        with run.method.evaluated(), torch.no_grad():
            model = run.method.represents()
            encodings = encode(model, run.dataset.train, count, source)
            if points:
                yield from _plane(run, model, encodings, source)
            elif run.dataset.kind is IMAGES:
                yield "reconstructions", _reconstructions(run, model, encodings)
                yield "traversals", _traversals(run, model, encodings)


def _plane(
    run: PreparedRun, model: Representation, encodings: Encodings, source: torch.Generator
) -> Iterator[tuple[str, Figure]]:
    from runner.evaluation.latent_plane import latent_plane
    from runner.figures.plane import plane

    found = latent_plane(model, replace(run.dataset, test=run.dataset.train), encodings, source)
    if found is not None:
        yield "plane", plane(*found)


def _reconstructions(run: PreparedRun, model: Representation, encodings: Encodings) -> Figure:
    from runner.figures.images import reconstructions

    stored_NCHW = run.dataset.train.images(encodings.indices_M[:_RECONSTRUCTIONS])
    originals_NCHW = run.dataset.kind.to_input(stored_NCHW).cpu().numpy()
    codes_NW = model.code_given(encodings.parameters_MP[:_RECONSTRUCTIONS])
    return reconstructions(_small(originals_NCHW), _small(model.decode(codes_NW).cpu().numpy()))


def _traversals(run: PreparedRun, model: Representation, encodings: Encodings) -> Figure:
    """Return a row per variable, in their order: the same row at every step."""
    from runner.figures.traversals import traversals

    steps = min(run.config.evaluation.traversal_steps, _STEPS)
    settings = replace(run.config.evaluation, traversal_steps=steps)
    most = max(1, _VALUES // (steps * math.prod(run.dataset.shape)))
    if model.category_values:  # each of them has a row per category
        most = math.isqrt(most)
    rows = traversal_rows(model, encodings, settings, {}, min(most, _VARIABLES))
    small = [replace(row, images_TCHW=_small(row.images_TCHW)) for row in rows]
    return traversals(small, positions_of(model, settings), unit_of(model))


def _small(images_NCHW: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return images with the means of squares of pixels, where they are larger than is drawn."""
    count, channels, height, width = images_NCHW.shape
    square = math.ceil(max(height, width) / _EDGE)
    if square == 1:
        return images_NCHW
    high, wide = max(1, height // square), max(1, width // square)
    cut_NCHW = images_NCHW[:, :, : high * square, : wide * square]
    return cut_NCHW.reshape(count, channels, high, -1, wide, square).mean((3, 5))


def _reason(error: Exception) -> str:
    """Return what went wrong, in one line."""
    too_little = memory.failure(error)
    if too_little is not None or isinstance(error, VaerunError):
        return str(too_little or error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0]
