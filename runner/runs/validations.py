"""The validations of a run while it trains: when they are, what is kept, and when it stops."""

from __future__ import annotations

import math
import time
from typing import Any

from runner.console.speed import Speed
from runner.runs.checkpoints import BEST
from runner.runs.preparation import PreparedRun
from runner.runs.validate import is_due, validate
from runner.runs.validation_metric import ValidationMetric
from runner.store.checkpoint import Checkpoint
from runner.store.checkpoint import save as save_checkpoint
from runner.training import BestSoFar, Record


class Validations:
    """Computes the figures that are due, keeps the best model, and says when training is over.

    Where there are no validations it does nothing.
    """

    def __init__(self, run: PreparedRun) -> None:
        """Take a run; what its records say of the validations so far is read again.

        Raises: DataError when the records are corrupt.
        """
        self._run = run
        self._watched: tuple[ValidationMetric, BestSoFar] | None = None
        if run.metric is not None:
            stop = run.config.training.stop_early
            begins = run.method.last_part_begins(run.config)
            best = BestSoFar(stop, run.metric.sign, begins, run.restarted)
            for record in run.folder.iterate_records():
                if run.metric.key in record:
                    best.tell(int(record["step"] or 0), record[run.metric.key])
            self._watched = run.metric, best

    def is_due(self, step: int) -> bool:
        """Return whether there are figures to compute after a step."""
        return self._watched is not None and is_due(self._run.config, step, self._run.steps)

    def added(self, record: Record | None, speed: Speed) -> Record | None:
        """Return the record of the present step, with its speed and the figures that are due.

        Where figures are due and no record is, they are one of their own.

        Raises: DivergedError when a loss so far or a parameter is not finite.
        """
        step = self._run.step
        if record is not None:
            record["images_per_second"] = speed.at(step)
        if self._watched is None or not self.is_due(step):
            return record
        begun = time.monotonic()
        figures = self._figures(step, *self._watched)
        speed.leave_out(time.monotonic() - begun)
        return {"step": step, **(record or {}), **figures}

    def _figures(self, step: int, metric: ValidationMetric, best: BestSoFar) -> Record:
        """Return the figures of a validation; the model of the best one is written at once."""
        run = self._run
        run.method.check_finite()
        figures = validate(run.method, run.dataset, run.config)
        value = figures[metric.key]
        is_best = best.tell(step, value if math.isfinite(value) else None)
        if is_best and run.config.training.keep_best:
            state: dict[str, Any] = {"step": step, "metric": metric.name, "value": value}
            save_checkpoint(run.folder.path / BEST, Checkpoint(run.method.parameters(), state))
        return figures

    @property
    def over(self) -> str | None:
        """Why training is to stop, in one line; None while it is not."""
        if self._watched is None:
            return None
        metric, best = self._watched
        if not best.is_over:
            return None
        known = "" if best.value is None else f", {best.value:.4g} at step {best.step:,}"
        return f"{metric.key} was not better in {best.waited} validations{known}"

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of them."""
        if self._watched is None:
            return {}
        return {"stopped_early": self.over is not None, "restarted": self._run.restarted}
