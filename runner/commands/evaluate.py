"""``vaerun evaluate``: scores of runs that are there already, and of codes from elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from runner import config as settings
from runner import memory
from runner.commands.arguments import Arguments
from runner.commands.manual import EVALUATE
from runner.config import MetricsConfig
from runner.config.plugin_use import with_plugins
from runner.console.lines import one_line
from runner.console.run_display import make_console, print_error
from runner.console.score_display import ScoreDisplay
from runner.console.stopping import stopping
from runner.errors import UsageError, VaerunError, cannot_change, nearest
from runner.evaluation import CodesEvaluator, score_requests_of_codes
from runner.plugins import pieces
from runner.runs.evaluate import score, score_again
from runner.runs.load import RunLoader
from runner.runs.rank import RunCodes, rank
from runner.runs.saved import use_plugins_of
from runner.store.find_runs import runs_beneath
from runner.store.scores_file import ScoresFile

_FIGURES = "figures."
_ENCODINGS = "evaluation.encodings"
_OF_THE_RUN = (
    "device", "data_dir", "dataset.path", "dataset.factors", "dataset.changed", "plugins",
    "wandb.", "tracking.", _FIGURES, _ENCODINGS,
)  # fmt: skip
_CHANGEABLE = (
    "metrics", "metrics.*", "evaluation.encodings", "figures.*", "checkpoint", "device",
    "data_dir", "dataset.path", "dataset.factors", "dataset.changed", "plugins", "wandb.*",
    "tracking.*",
)  # fmt: skip
_DEFAULT = "reference"
_GOES_ON = "the scores so far are kept: the same command goes on"


@dataclass
class _Request:
    """What is to be scored, and how."""

    paths: list[Path] = field(default_factory=list[Path])
    codes: Path | None = None
    metrics: str | None = None
    of_metrics: list[str] = field(default_factory=list[str])
    of_runs: list[str] = field(default_factory=list[str])
    checkpoint: str | None = None

    def settings(self) -> MetricsConfig:
        """Return the settings of the scores, with those of own ones of the run at hand.

        Raises: UsageError for what is no setting of a score.
        """
        alone = self.draws or self.other_encodings
        default = "none" if alone and not self.of_metrics else _DEFAULT
        return settings.metrics(self.metrics or default, self.of_metrics)

    @property
    def draws(self) -> bool:
        """Whether figures are drawn again: something about them is asked for."""
        return any(override.startswith(_FIGURES) for override in self.of_runs)

    @property
    def other_encodings(self) -> bool:
        """Whether the summary is asked for from another number of encodings."""
        return any(override.startswith(_ENCODINGS) for override in self.of_runs)

    @property
    def renews(self) -> bool:
        """Whether the summary is computed again, unless it is as asked for."""
        return self.checkpoint is not None or self.other_encodings


def run(arguments: Arguments) -> int:
    """Score every run that is named or lies in a folder that is, or one file of codes.

    Prints the paths of what was scored on stdout, a line each, and returns the exit code: 0, or
    that of the only run that failed, or 1 where several runs were asked for and some failed.

    Raises: VaerunError for arguments that cannot be carried out.
    """
    request = _read(arguments)
    trusted = "--trust" in arguments.flags
    if request.codes is not None:
        with_plugins(request.of_runs)
        metrics = request.settings()
        with stopping(_GOES_ON):
            _evaluate_codes(request.codes, metrics)
        return 0
    _refuse_wrong_settings(request, trusted=trusted)  # before a run is looked for
    paths = [run for path in request.paths for run in runs_beneath(path)]
    runs = RunLoader(
        make_console(), request.of_runs, trusted=trusted, checkpoint=request.checkpoint
    )
    with stopping(_GOES_ON):
        return _Evaluation(request, runs).carry_out(list(dict.fromkeys(paths)))


def _refuse_wrong_settings(request: _Request, *, trusted: bool) -> None:
    """Refuse settings of scores that there are not, neither ours nor own ones of the first run.

    Raises: UsageError; or DataError of a run that is not as it should be.
    """
    try:
        request.settings()
    except UsageError as error:
        if not request.of_metrics or not all(path.exists() for path in request.paths):
            raise
        for first in [run for path in request.paths[:1] for run in runs_beneath(path)][:1]:
            use_plugins_of(first, request.of_runs, trusted=trusted)
        if not pieces("metric"):
            raise error from None
        request.settings()


def _read(arguments: Arguments) -> _Request:
    codes = arguments.text("--codes")
    request = _Request(
        [Path(operand) for operand in arguments.operands], Path(codes) if codes else None
    )
    for override in arguments.overrides:
        key, _, value = override.partition("=")
        if key == "metrics":
            request.metrics = value
        elif key in ("checkpoint", "evaluation.checkpoint"):
            request.checkpoint = _checkpoint(value)
        elif key.startswith("metrics."):
            request.of_metrics.append(override)
        elif key.startswith(_OF_THE_RUN):
            request.of_runs.append(override)
        else:
            raise cannot_change("evaluate", key, _CHANGEABLE, _changeable())
    if bool(request.paths) == bool(request.codes):
        hint = " or ".join(EVALUATE.usage)
        raise UsageError("evaluate takes run folders, or a file of codes", hint)
    if request.paths and any(
        each.startswith("metrics.factor_bins=") for each in request.of_metrics
    ):
        hint = "dataset.bins, when a run is trained, cuts the factors of its images"
        raise UsageError("metrics.factor_bins is for a file of codes", hint)
    return request


def _checkpoint(value: str) -> str:
    if value not in settings.CHECKPOINTS:
        words = ", ".join(settings.CHECKPOINTS)
        hint = nearest(value, settings.CHECKPOINTS)
        raise UsageError(f"checkpoint must be one of {words}, got '{value}'", hint)
    return value


def _changeable() -> list[str]:
    """Return the settings that can be given, by dotted names."""
    return [key for key in settings.all_settings() if key.startswith(("metrics", *_OF_THE_RUN))]


class _Evaluation:
    """Several runs, scored one after the other; what they share is loaded once."""

    def __init__(self, request: _Request, runs: RunLoader) -> None:
        self._request = request
        self._metrics: MetricsConfig | None = None
        self._console = make_console()
        self._runs = runs
        self._members: list[RunCodes] = []

    def carry_out(self, paths: list[Path]) -> int:
        """Score the runs and return the exit code; one that fails does not stop the others."""
        codes: list[int] = []
        for number, path in enumerate(paths, start=1):
            line = Text.assemble((f"{number} of {len(paths)}", "dim"), f"  {one_line(str(path))}")
            self._console.print(line, highlight=False, soft_wrap=True)
            try:
                self._score(path)
            except Exception as failure:
                error = failure if isinstance(failure, VaerunError) else memory.failure(failure)
                if error is None:
                    raise
                print_error(self._console, error.message, error.hint)
                codes.append(error.exit_code)
            else:
                codes.append(0)
                sys.stdout.write(f"{path}\n")
        if self._metrics is not None and self._metrics.udr is not None:
            rank(self._members, self._metrics, self._console)
        failures = [code for code in codes if code]
        return 0 if not failures else failures[0] if len(codes) == 1 else 1

    def _score(self, path: Path) -> None:
        run, wandb_id = self._runs.open(path)
        self._metrics = metrics = self._request.settings()
        score_again(
            run,
            wandb_id,
            metrics,
            renews=self._request.renews,
            draws=self._request.draws,
        )
        if metrics.udr is not None and run.representation.latents is not None:
            self._members.append(RunCodes.of(run, metrics))


def _evaluate_codes(path: Path, metrics: MetricsConfig) -> None:
    """Score a file of codes; the scores are written beside it."""
    from runner.evaluation.codes_file import read_codes

    given = read_codes(path, metrics.factor_bins)
    scores_file = ScoresFile(path.with_suffix(".scores.json"), {"sha256": given.sha256})
    console = make_console()
    evaluator = CodesEvaluator(given.codes, given.class_factor, metrics)
    with ScoreDisplay(console) as display:
        score(
            evaluator,
            list(score_requests_of_codes(metrics, grouped=given.codes.is_grouped)),
            scores_file,
            display,
        )
    sys.stdout.write(f"{scores_file.path}\n")
