"""A few trained models, opened to see what their variables do to one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console

from runner.comparison.chosen import Chosen
from runner.comparison.traversal_board import STEPS, Traversed
from runner.errors import UsageError, VaerunError
from runner.evaluation import encode
from runner.evaluation.pictures import Pictures
from runner.model.vae import to_unit
from runner.trained import Trained, TrainedRuns
from runner.training import generator

_IMAGES = 1000
"""Test images behind the spread of a code that has no prior; the first one is traversed."""


def traverse_runs(chosen: Sequence[Chosen], console: Console) -> list[Traversed]:
    """Return the traversals of runs of one dataset, all from the same test image.

    A run that cannot be opened, or has no images, is left out and named on the console.
    """
    runs = TrainedRuns(console, ["device=auto"])
    found: list[Traversed] = []
    for each in chosen:
        try:
            traversed = _traverse(runs.open(each.run.path)[0], each)
            if found and not np.array_equal(traversed.original_CHW, found[0].original_CHW):
                raise UsageError("its test images are not those of the others")
        except VaerunError as error:
            words = f"[dim]{'traversals':>12}[/]  without {each.run.path}: {error.message}"
            console.print(words, highlight=False, soft_wrap=True)
        else:
            found.append(traversed)
    return found


@torch.no_grad()
def _traverse(run: Trained, chosen: Chosen) -> Traversed:
    """Return the traversals of a model from the first of a fixed choice of test images.

    Raises: UsageError where the data are points instead.
    """
    if run.dataset.is_plane:
        raise UsageError("points in the plane are not images")
    source = generator(run.device, 0, "evaluation")
    encodings = encode(run.model, run.dataset.test, _IMAGES, source)
    settings = replace(run.config.evaluation, traversal_steps=STEPS)
    summary = {"information": {"variable": chosen.information}}
    rows = Pictures(run.model, run.dataset, encodings, settings, summary).traversal_rows()
    first_BCHW = to_unit(run.dataset.test.images(encodings.indices_M[:1]))
    reach = settings.traversal_range
    whose = "prior" if run.model.prior.has_density else "code"
    return Traversed(
        chosen.name,
        first_BCHW[0].cpu().numpy(),
        rows,
        np.linspace(-reach, reach, STEPS).tolist(),
        f"{whose} standard deviations",
    )
