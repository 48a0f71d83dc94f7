"""Processor seconds of each part of the evaluation of a run, and the memory that it takes.

    python tests/benchmarks/evaluation_speed.py RUN [METRICS]

The parts are those of ``vaerun``: the encodings, the summary, the figures and the scores of a
preset (default: fast). Everything runs on one thread of the CPU in this process, with the
allocator's settings of a training process; nothing is written to the run. Memory is the largest
resident memory of the process until the part's end, in MiB.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import torch

from runner import config as settings
from runner.dataset import load
from runner.errors import UsageError
from runner.evaluation import Evaluator, encode, score_requests, summarize
from runner.evaluation.information import decompose_all, factor_information
from runner.evaluation.prior_distances import distances
from runner.figures.of_run import RunFigures
from runner.figures.page import page
from runner.runs.load import open_model
from runner.training.allocator import keep_freed_memory

T = TypeVar("T")


def timed(part: str, job: Callable[[], T]) -> T:
    """Return the result of a job, and print a row."""
    begun = time.process_time()
    result = job()
    seconds = time.process_time() - begun
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{part:32}{seconds:9.2f}{mebibytes:9.0f}\n")
    return result


def draw(figures: RunFigures, source: torch.Generator) -> None:
    """Draw every figure; a row is the drawing of one and its rendering as a PNG."""
    with page(None):
        drawn = figures.figures(source)
        while True:
            found = timed("figure", lambda: next(drawn, None))
            if found is None:
                return
            name, figure = found
            timed(f"  {name}, as a PNG", partial(figure.savefig, BytesIO(), format="png"))


def main() -> None:
    """Print a row for each part."""
    path, preset = Path(sys.argv[1]), (sys.argv[2:] or ["fast"])[0]
    torch.set_num_threads(1)
    keep_freed_memory()
    run = open_model(path)
    model, evaluation = run.representation, run.config.evaluation
    sys.stdout.write(f"{'part':32}{'CPU s':>9}{'MiB':>9}\n")
    device = torch.device("cpu")
    dataset = timed("data", lambda: load(run.config.dataset, run.config.data_dir, device))
    source = torch.Generator().manual_seed(0)
    encodings = timed(
        "encodings", lambda: encode(model, dataset.test, evaluation.encodings, source)
    )
    if (latents := model.latents) is not None:
        sizes = [factor.size for factor in dataset.factors]
        timed("decomposition", lambda: decompose_all(latents, encodings))
        timed("I(factor; z)", lambda: factor_information(latents, encodings, sizes))
        timed("distances from the prior", lambda: distances(latents, encodings, source))
    summary = timed("all of the summary", lambda: summarize(model, dataset, encodings, source))
    figures = RunFigures(model, dataset, encodings, evaluation, summary)
    draw(figures, source)
    timed("animation", figures.animation)
    metrics = settings.metrics(preset, [])
    evaluator = Evaluator(model, dataset, metrics)
    for request in score_requests(metrics, sampled=model.latents is not None):
        try:
            timed(f"score {request.key}", partial(evaluator.compute, request))
        except UsageError:  # not defined for these codes
            continue


if __name__ == "__main__":
    main()
