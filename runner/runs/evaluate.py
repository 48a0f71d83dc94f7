"""The evaluation of a trained run, written to its folder: summary, figures, scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.config import MetricsConfig, RunConfig, plain
from runner.console.lines import print_labelled
from runner.console.part_display import PartDisplay
from runner.console.run_display import print_summary
from runner.console.score_display import ScoreDisplay
from runner.errors import UsageError
from runner.evaluation import (
    CodesEvaluator,
    Evaluator,
    ScoreRequest,
    encode,
    score_requests,
    summarize,
)
from runner.figures.page import PRINT_DPI, page
from runner.runs.about import about, not_trained_on
from runner.runs.load import LoadedRun
from runner.store.pictures import PictureFiles
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile
from runner.tracking.mode import Mode
from runner.tracking.run import WandbRun
from runner.training import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Generator

    from runner.figures.of_run import RunFigures

_DRAWN = ("model/pruning",)
"""The scores that have a figure."""

Check = Callable[[], None]
"""Called between two steps of the evaluation; it raises an error to stop there."""


def open_wandb(config: RunConfig, folder: RunFolder, run_id: str | None, mode: Mode) -> WandbRun:
    """Return the W&B run with the id ``run_id``, or a new one if it is None.

    ``mode`` is what :func:`resolve_mode` returned for the settings.
    """
    return WandbRun(
        config.wandb,
        folder=folder.path,
        name=config.name,
        config=plain(config),
        run_id=run_id,
        mode=mode,
    )


def summarize_run(run: LoadedRun, wandb_run: WandbRun, check: Check) -> dict[str, Path]:
    """Write the summary and the figures of a run; return the paths of the figures by name."""
    config = run.config
    images = f"{config.evaluation.encodings:,} images at most"
    print_labelled(run.console, "evaluating", f"on {images}")
    with PartDisplay(run.console, check) as display:
        summary, drawn, source = _summarized(run, display)
        run.folder.write_summary(summary)
        wandb_run.summarize(summary)
        print_summary(run.console, summary)
        return _write_figures(run, drawn, source, display, alone=True)


def draw_run(run: LoadedRun, check: Check) -> dict[str, Path]:
    """Write the figures of a run again, as its evaluation drew them, and return their paths."""
    with PartDisplay(run.console, check) as display:
        _, drawn, source = _summarized(run, display)
        return _write_figures(run, drawn, source, display, alone=False)


def _summarized(
    run: LoadedRun, display: PartDisplay
) -> tuple[dict[str, Any], RunFigures, Generator]:
    """Return the summary of a run, its figures to be drawn, and the randomness that is left."""
    from runner.figures.of_run import RunFigures  # matplotlib takes half a second to import

    config = run.config
    source = generator(run.device, config.seed, "evaluation")
    model, dataset = run.representation, run.dataset
    with display.part("summary"):
        encodings = encode(model, dataset.test, config.evaluation.encodings, source)
        summary = {"step": run.step, **summarize(model, dataset, encodings, source)}
    unseen = tuple(not_trained_on(config.dataset))
    settings = config.evaluation
    return summary, RunFigures(model, dataset, encodings, settings, summary, unseen), source


def _write_figures(
    run: LoadedRun, drawn: RunFigures, source: Generator, display: PartDisplay, *, alone: bool
) -> dict[str, Path]:
    """Write every figure of a run and return the paths by name.

    ``alone``: delete the files of other formats, which show an earlier state.
    """
    folder, files = run.folder, _files(run)
    paths: dict[str, Path] = {}
    with display.part("figures"), page(run.config.figures.width):
        for name, figure in drawn.figures(source):
            paths[name] = folder.write_figure(name, figure, files, alone=alone)
    with display.part("animation"):
        frames = drawn.animation()
    if frames is not None:
        paths["traversal"] = folder.write_animation(
            "traversal", frames, seconds_per_frame=0.12, about=files.about
        )
    return paths


def _files(run: LoadedRun) -> PictureFiles:
    """Return how the figures of a run are written."""
    figures = run.config.figures
    dpi = None if figures.width is None else PRINT_DPI
    return PictureFiles(figures.format, about(run.config, run.step, run.folder), dpi)


def score_run(
    run: LoadedRun,
    metrics: MetricsConfig,
    wandb_run: WandbRun,
    check: Check,
    *,
    draw_again: bool = False,
) -> dict[str, Path]:
    """Write the scores that ``metrics`` selects; return the paths of their figures by name.

    Scores already computed with the same settings are not computed again, but for those with a
    figure if it is to be drawn again.
    """
    wanted = list(score_requests(metrics, sampled=run.representation.latents is not None))
    if not wanted:
        return {}
    scores_file = ScoresFile(run.folder.path / "scores.json", {"step": run.step})
    evaluator = Evaluator(run.representation, run.dataset, metrics)
    again = _DRAWN if draw_again else ()
    with (
        ScoreDisplay(run.console, check) as display,
        page(run.config.figures.width),
    ):
        figures = score(evaluator, wanted, scores_file, display, again)
    wandb_run.summarize({"scores": scores_file.numbers()})
    files = _files(run) if figures else None
    return {name: run.folder.write_figure(name, figure, files) for name, figure in figures.items()}


def score(
    evaluator: Evaluator | CodesEvaluator,
    wanted: Sequence[ScoreRequest],
    scores_file: ScoresFile,
    display: ScoreDisplay,
    again: Collection[str] = (),
) -> dict[str, Figure]:
    """Compute the scores that a file lacks, or that are wanted again; return figures by name.

    Each score is written as soon as it is computed, so an interrupted evaluation continues with
    the next one.
    """
    metrics = evaluator.metrics
    same = {"seed": metrics.seed, "images": metrics.images}
    pending = [
        request
        for request in wanted
        if request.key in again
        or not scores_file.has(request.key, {"settings": request.settings, **same})
    ]
    display.expect(len(pending), metrics.name)
    figures: dict[str, Figure] = {}
    for request in pending:
        entry: dict[str, Any] = {"settings": request.settings, **same}
        try:
            with display.score(request.key):
                result = evaluator.compute(request)
        except UsageError as error:  # this score is not defined for these codes; others may be
            display.refuse(error.message)
            scores_file.put(request.key, {**entry, "refused": error.message, "scores": {}})
            continue
        seconds = display.end(result.numbers)
        if result.pruning is not None:
            from runner.figures.pruning import pruning_figure  # matplotlib is slow to import

            figures["pruning"] = pruning_figure(result.pruning)
        scores_file.put(
            request.key, {**entry, "seconds": round(seconds, 2), "scores": result.numbers}
        )
    return figures
