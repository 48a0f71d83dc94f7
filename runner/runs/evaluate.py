"""The evaluation of a trained run, written to its folder: summary, figures, scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.config import MetricsConfig, use_plugins
from runner.console.lines import print_labelled
from runner.console.part_display import PartDisplay
from runner.console.run_display import print_summary
from runner.console.score_display import ScoreDisplay
from runner.dataset.text.reference import reference_digest
from runner.errors import DataError, UsageError
from runner.evaluation import (
    CodesEvaluator,
    Evaluator,
    ScoreRequest,
    count_of_encodings,
    encode_for_evaluation,
    has_groups,
    score_requests,
    summarize,
)
from runner.figures.page import page
from runner.metric import describe_score, description_of
from runner.metric.quantities import VALIDATION
from runner.plugins import active, piece
from runner.runs.about import not_trained_on
from runner.runs.draw import picture_files, write_figures
from runner.runs.load import LoadedRun
from runner.runs.reference import check_reference
from runner.runs.tables import write_tables
from runner.store.lock import lock
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile
from runner.tracking.trackers import Trackers, check_trackers
from runner.training import generator

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Generator

    from runner.figures.of_run import RunFigures

_DRAWN = ("model/pruning",)
"""The scores that have a figure."""

Check = Callable[[], None]
"""Called between two steps of the evaluation; it raises an error to stop there."""


def summarize_run(run: LoadedRun, trackers: Trackers, check: Check) -> dict[str, Path]:
    """Write the summary and the figures of a run; return the paths of the figures by name."""
    config = run.config
    use_plugins(config.plugins)
    count, examples = config.evaluation.encodings, run.dataset.kind.examples
    words = f"10,000 {examples} at most, with the encodings of all behind q(z)"
    shown = words if count == "all" else f"{count:,} {examples} at most"
    print_labelled(run.console, "evaluating", f"on {shown}")
    with PartDisplay(run.console, check) as display:
        summary, drawn, source = _summarized(run, display)
        run.folder.write_summary(summary)
        trackers.summarize(summary)
        print_summary(run.console, summary, examples=examples)
        write_tables(run, drawn, trackers)
        return write_figures(run, drawn, source, display, alone=True)


def draw_run(run: LoadedRun, check: Check) -> dict[str, Path]:
    """Write the figures of a run again, as its evaluation drew them, and return their paths."""
    with PartDisplay(run.console, check) as display:
        _, drawn, source = _summarized(run, display)
        return write_figures(run, drawn, source, display, alone=False)


def _summarized(
    run: LoadedRun, display: PartDisplay
) -> tuple[dict[str, Any], RunFigures, Generator]:
    """Return the summary of a run, its figures to be drawn, and the randomness that is left."""
    from runner.figures.of_run import RunFigures  # matplotlib takes half a second to import

    config = run.config
    use_plugins(config.plugins)
    source = generator(run.device, config.seed, "evaluation")
    model, dataset = run.representation, run.dataset
    with display.part("summary"):
        wanted = config.evaluation.encodings
        encodings = encode_for_evaluation(model, dataset, wanted, source)
        of, samples = (model, dataset, encodings), config.evaluation.class_samples
        summary = {"step": run.step, **summarize(*of, source, samples)}
        run.method.add_estimates(config, run.step, encodings, summary)
        if figures := _validation(run.folder, run.step):
            summary["validation"] = figures
    unseen = tuple(not_trained_on(config.dataset))
    settings = config.evaluation
    return summary, RunFigures(model, dataset, encodings, settings, summary, unseen), source


def _validation(folder: RunFolder, step: int) -> dict[str, float | None]:
    """Return the figures of the validation at a step, by their names without the prefix."""
    return {
        name.removeprefix(VALIDATION): value
        for record in folder.iterate_records()
        if record["step"] == step
        for name, value in record.items()
        if name.startswith(VALIDATION)
    }


def score_run(
    run: LoadedRun,
    metrics: MetricsConfig,
    trackers: Trackers,
    check: Check,
    *,
    draw_again: bool = False,
) -> dict[str, Path]:
    """Write the scores that ``metrics`` selects; return the paths of their figures by name.

    Scores already computed with the same settings are not computed again, but for those with a
    figure if it is to be drawn again.
    """
    use_plugins(run.config.plugins)
    wanted = list(_requests(run, metrics))
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
    trackers.summarize({"scores": scores_file.numbers()})
    if errors := scores_file.standard_errors():
        trackers.summarize({"standard_errors": {"scores": errors}})
    files = picture_files(run) if figures else None
    return {name: run.folder.write_figure(name, figure, files) for name, figure in figures.items()}


def score_again(
    run: LoadedRun,
    wandb_id: str | None,
    metrics: MetricsConfig,
    *,
    renews: bool = False,
    draws: bool = False,
) -> list[str]:
    """Score a run that was opened, in its locked folder and on W&B; return the scores' names.

    The names are those of the entries of ``scores.json``. ``renews``: a summary of another
    checkpoint, or from another number of encodings, is computed again. ``draws``: the figures are
    drawn again.

    Raises: VaerunError when another process works in the folder, its scores cannot be read, a
        setting of W&B is wrong, or texts that words are looked for in are missing.
    """
    path = run.folder.path
    mode = check_trackers(run.config, path)
    ScoresFile(path / "scores.json", {"step": run.step})  # refused before anything is written
    check_reference(metrics, run.dataset)
    with lock(path), Trackers(run.config, path, wandb_id, mode) as trackers:
        trackers.begin(run.step, trains=False)
        paths: dict[str, Path] = {}
        if renews and _is_other(run, run.folder.read_summary()):
            paths = summarize_run(run, trackers, check=lambda: None)
        elif draws:
            paths = draw_run(run, check=lambda: None)
        paths |= score_run(run, metrics, trackers, check=lambda: None, draw_again=draws)
        trackers.keep_figures(paths)
    return [request.key for request in _requests(run, metrics)]


def _requests(run: LoadedRun, metrics: MetricsConfig) -> Iterator[ScoreRequest]:
    model = run.representation
    return score_requests(metrics, sampled=model.latents is not None, grouped=has_groups(model))


def _is_other(run: LoadedRun, summary: dict[str, Any]) -> bool:
    """Return whether a summary is of another checkpoint, or from other encodings."""
    count = count_of_encodings(run.dataset, run.config.evaluation.encodings)
    return summary.get("step") != run.step or summary.get("encodings") != count


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
    known = {request.key: _conditions(request, metrics) | _origin(request) for request in wanted}
    pending = [
        request
        for request in wanted
        if request.key in again or not scores_file.has(request.key, known[request.key])
    ]
    display.expect(len(pending), metrics.name)
    figures: dict[str, Figure] = {}
    for request in pending:
        entry = {**known[request.key], **_described(request)}
        try:
            with display.score(request.key):
                result = evaluator.compute(request)
        except UsageError as error:  # this score is not defined for these codes; others may be
            display.refuse(error.message)
            scores_file.put(request.key, {**entry, "refused": error.message, "scores": {}})
            continue
        seconds = display.end(result.numbers, result.standard_errors)
        if result.pruning is not None:
            from runner.figures.pruning import pruning_figure  # matplotlib is slow to import

            figures["pruning"] = pruning_figure(result.pruning)
        entry |= {"seconds": round(seconds, 2), "scores": result.numbers}
        if result.standard_errors:
            entry["standard_errors"] = result.standard_errors
        scores_file.put(request.key, entry)
    return figures


def _conditions(request: ScoreRequest, metrics: MetricsConfig) -> dict[str, Any]:
    """Return how a score is computed; one of other conditions is computed again."""
    found = {"settings": request.settings, "seed": metrics.seed, "images": metrics.images}
    if metrics.factor_bins is not None:
        found["factor_bins"] = metrics.factor_bins
    if metrics.repeats is not None and not request.needs_model:
        found["repeats"] = metrics.repeats
    return found


def _origin(request: ScoreRequest) -> dict[str, str]:
    """Return what else must agree for a score to count as computed.

    That is the file of an own one, and the texts of a reference, as far as these can be read.
    """
    own = piece("metric", request.metric)
    of = next((plugin for plugin in active() if own in plugin.pieces), None)
    found = {"plugin": str(of.sha256 or of.version)} if of is not None else {}
    reference = request.settings.get("reference")
    if request.metric == "topic_coherence" and reference is not None:
        with suppress(DataError):
            found["reference"] = reference_digest(reference)
    return found


def _described(request: ScoreRequest) -> dict[str, Any]:
    """Return what is kept beside the numbers of an own score, so that all can show them."""
    own = piece("metric", request.metric)
    if own is None:
        return {}
    told = description_of(own)
    describe_score(own.name, str(told["title"]), told["better"])
    return told
