"""The evaluation of a trained run, written to its folder: summary, figures, scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from runner.runs.load import LoadedRun
from runner.store.lock import lock
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile
from runner.tracking.mode import Mode, resolve_mode
from runner.tracking.run import WandbRun
from runner.training import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    from runner.figures.of_run import RunFigures  # matplotlib takes half a second to import

    config, folder = run.config, run.folder
    images = f"{config.evaluation.encodings:,} images at most"
    print_labelled(run.console, "evaluating", f"on {images}")
    source = generator(run.device, config.seed, "evaluation")
    model, dataset = run.representation, run.dataset
    with PartDisplay(run.console, check) as display:
        with display.part("summary"):
            encodings = encode(model, dataset.test, config.evaluation.encodings, source)
            summary = {"step": run.step, **summarize(model, dataset, encodings, source)}
        folder.write_summary(summary)
        wandb_run.summarize(summary)
        print_summary(run.console, summary)
        drawn = RunFigures(model, dataset, encodings, config.evaluation, summary)
        paths: dict[str, Path] = {}
        with display.part("figures"):
            for name, figure in drawn.figures(source):
                paths[name] = folder.write_figure(name, figure)
        with display.part("animation"):
            frames = drawn.animation()
        if frames is not None:
            paths["traversal"] = folder.write_animation("traversal", frames, seconds_per_frame=0.12)
    return paths


def score_run(
    run: LoadedRun, metrics: MetricsConfig, wandb_run: WandbRun, check: Check
) -> dict[str, Path]:
    """Write the scores that ``metrics`` selects; return the paths of their figures by name.

    Scores already computed with the same settings are not computed again.
    """
    wanted = list(score_requests(metrics, sampled=run.representation.latents is not None))
    if not wanted:
        return {}
    scores_file = ScoresFile(run.folder.path / "scores.json", {"step": run.step})
    evaluator = Evaluator(run.representation, run.dataset, metrics)
    with ScoreDisplay(run.console, check) as display:
        figures = score(evaluator, wanted, scores_file, display)
    wandb_run.summarize({"scores": scores_file.numbers()})
    return {name: run.folder.write_figure(name, figure) for name, figure in figures.items()}


def score_again(run: LoadedRun, wandb_id: str | None, metrics: MetricsConfig) -> list[str]:
    """Score a run that was opened, in its locked folder and on W&B; return the scores' names.

    The names are those of the entries of ``scores.json``.

    Raises: VaerunError when another process works in the folder, its scores cannot be read, or a
        setting of W&B is wrong.
    """
    path = run.folder.path
    mode = resolve_mode(run.config.wandb.mode)
    ScoresFile(path / "scores.json", {"step": run.step})  # refused before anything is written
    with lock(path), open_wandb(run.config, run.folder, wandb_id, mode) as wandb_run:
        paths = score_run(run, metrics, wandb_run, check=lambda: None)
        wandb_run.keep_figures(paths)
    sampled = run.representation.latents is not None
    return [request.key for request in score_requests(metrics, sampled=sampled)]


def score(
    evaluator: Evaluator | CodesEvaluator,
    wanted: Sequence[ScoreRequest],
    scores_file: ScoresFile,
    display: ScoreDisplay,
) -> dict[str, Figure]:
    """Compute the scores that a file lacks, and return their figures by name.

    Each score is written as soon as it is computed, so an interrupted evaluation continues with
    the next one.
    """
    metrics = evaluator.metrics
    same = {"seed": metrics.seed, "images": metrics.images}
    pending = [
        request
        for request in wanted
        if not scores_file.has(request.key, {"settings": request.settings, **same})
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
