"""A run for TensorBoard: event files in ``RUN/tensorboard``.

Every process that trains or evaluates the run begins a file of its own. It opens with the step at
which the run was taken up: what earlier files have from that step on no longer counts, so no step
is shown twice, however the run was stopped.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.store.confined import read
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile
from runner.tracking.event_file import EventFile
from runner.tracking.flatten import flatten
from runner.tracking.rows import Row

_MOST_BYTES = 2**24
"""Of a table."""


class TensorboardLog:
    """Event files of one run.

    Records are scalars by their names; final numbers are below ``summary/`` and ``scores/``, the
    settings are hyperparameters, pictures are below ``figures/``, and tables are texts below
    ``tables/``.
    """

    label = "TensorBoard"

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        """Take the run folder and the settings; nothing is written before :meth:`begin`."""
        self._run = RunFolder(folder)
        self._config = config
        self._file: EventFile | None = None
        self._step = 0
        self._trains = False
        self._numbers: dict[str, float] = {}
        self._figures: dict[str, Path] = {}
        self._tables: dict[str, tuple[Sequence[str], Sequence[Row]]] = {}

    @property
    def shown(self) -> str:
        """The folder of the event files."""
        return str(self._run.path / "tensorboard")

    def begin(self, step: int, *, trains: bool) -> None:
        """Begin an event file, or wait for what the evaluation finds if nothing is trained."""
        self._step, self._trains = step, trains
        if trains:
            self._open(step + 1)

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Add the numbers of a record."""
        self._step = step
        if self._file is not None:
            self._file.add_numbers(record, step)

    def log_images(self, paths: Mapping[str, Path], step: int) -> None:
        """Add pictures of a step."""
        if self._file is not None:
            self._file.add_pictures(paths, step)

    def log_figures(self, paths: Mapping[str, Path], step: int) -> None:
        """Keep the final pictures until the end of the run."""
        self._step = step
        self._figures.update(paths)

    def keep_figures(self, paths: Mapping[str, Path]) -> None:
        """Keep pictures until the end of the evaluation."""
        self._figures.update(paths)

    def keep_table(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Keep a table until the end of the evaluation."""
        self._tables[name] = (columns, rows)

    def summarize(self, summary: Mapping[str, Any]) -> None:
        """Keep final numbers until the end of the run."""
        for name, value in flatten(summary):
            if isinstance(value, (int, float)) and name != "step":
                shown = name if name.startswith("scores/") else f"summary/{name}"
                self._numbers[shown] = value

    def finish(self, exit_code: int) -> None:
        """Write what was kept, and close the file."""
        try:
            if not self._trains and (self._numbers or self._figures):
                self._take_up_the_last_step()
            if self._file is not None:
                self._file.add_numbers(self._numbers, self._step)
                self._file.add_pictures(self._figures, self._step)
                for name, (columns, rows) in self._tables.items():
                    self._file.add_table(name, columns, rows, self._step)
                self._file.end_session(exit_code)
        finally:
            file, self._file = self._file, None
            self._numbers, self._figures, self._tables = {}, {}, {}
            if file is not None:
                file.close()

    def _open(self, step: int) -> EventFile:
        """Begin an event file at ``step``, and repeat the records from that step on.

        Where there is no event file yet, all records are repeated: the run was begun without.
        """
        file = EventFile(self._run.path / "tensorboard", step, self._run.path)
        self._file = file
        first = 0 if file.is_first else step
        if file.is_first:
            file.begin_session(self._config)
        if first <= self._step:
            for record in self._run.iterate_records():
                if (at := int(record["step"] or 0)) >= first:
                    file.add_numbers(record, at)
        return file

    def _take_up_the_last_step(self) -> None:
        """Begin an event file in place of all of the last step: a new evaluation changes it.

        What was evaluated may be of an earlier step: the best one.
        """
        evaluated, records = self._step, self._run.iterate_records()
        step = max([evaluated, *(int(record["step"] or 0) for record in records)])
        self._step = step
        file, numbers, figures = self._open(step), self._numbers, self._figures
        self._numbers, self._figures = {}, {}
        folder = self._run.path / "figures"
        drawn = sorted(folder.glob(f"training/*-{step:08d}.png"))
        file.add_pictures({f"training/{p.stem.rpartition('-')[0]}": p for p in drawn}, step)
        summary = self._run.read_summary()
        if summary.get("step") == evaluated:
            self.summarize(summary)
            self._figures = {path.stem: path for path in sorted(folder.glob("*.*"))}
            self._tables = {**dict(_tables_of(self._run)), **self._tables}
        scores = ScoresFile(self._run.path / "scores.json", {"step": evaluated})
        self.summarize({"scores": scores.numbers()})
        self._numbers |= numbers
        self._figures |= figures


def _tables_of(run: RunFolder) -> Iterator[tuple[str, tuple[Sequence[str], Sequence[Row]]]]:
    """Yield the name, the columns and the rows of each table in a run folder."""
    for path in sorted((run.path / "tables").glob("*.csv")):
        text = (read(path, run.path, _MOST_BYTES) or b"").decode(errors="replace")
        if lines := list(csv.reader(text.splitlines())):
            yield path.stem, (lines[0], lines[1:])
