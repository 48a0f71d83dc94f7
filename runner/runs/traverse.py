"""Latent traversals of several trained runs, all from the same image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console

from runner.comparison.representatives import RepresentativeRun
from runner.console.lines import print_labelled
from runner.dataset import IMAGES
from runner.errors import UsageError, VaerunError
from runner.evaluation import encode
from runner.evaluation.traversal_rows import Traversal, positions_of, traversal_rows, unit_of
from runner.runs.load import LoadedRun, RunLoader
from runner.training import generator

_STEPS = 5
"""Images in a row."""

_MOST = 12
"""Variables of a run that are traversed, the most informative ones; half of them are drawn."""

_IMAGES = 1000
"""Test images for the standard deviations of a code without a prior; the first is traversed."""


def traverse_runs(chosen: Sequence[RepresentativeRun], console: Console) -> list[Traversal]:
    """Return the traversals of runs of one dataset, all from the same test image.

    A run that cannot be loaded, or whose data are not images, is left out with a message on the
    console.
    """
    runs = RunLoader(console, ["device=auto"])
    found: list[Traversal] = []
    for each in chosen:
        try:
            traversed = _traverse(runs.open(each.run.path)[0], each)
            if found and not np.array_equal(traversed.original_CHW, found[0].original_CHW):
                raise UsageError("its test images are not those of the others")
        except VaerunError as error:
            message = f"without {each.run.path}: {error.message}"
            print_labelled(console, "traversals", message)
        else:
            found.append(traversed)
    return found


@torch.no_grad()
def _traverse(run: LoadedRun, chosen: RepresentativeRun) -> Traversal:
    """Return the traversals of a run, from the first of a fixed selection of test images.

    Raises: UsageError where the data are no images.
    """
    if run.dataset.kind is not IMAGES:
        raise UsageError(f"{run.dataset.kind.examples} are not images")
    source = generator(run.device, 0, "evaluation")
    encodings = encode(run.representation, run.dataset.test, _IMAGES, source)
    settings = replace(run.config.evaluation, traversal_steps=_STEPS)
    first_BCHW = run.dataset.kind.to_input(run.dataset.test.images(encodings.indices_M[:1]))
    return Traversal(
        chosen.name,
        first_BCHW[0].cpu().numpy(),
        traversal_rows(run.representation, encodings, settings, chosen.information, _MOST),
        positions_of(run.representation, settings),
        unit_of(run.representation),
    )
