"""The folder of one run: its settings, status, records, summary and figures.

``metrics.jsonl`` is only appended to, by whole lines. Every other file is replaced atomically: a
reader finds the old file or the new one, also after a crash. Nothing is pickled, every file is
checked when it is read, and no link out of the folder is followed, so folders from untrusted
sources are safe to open.

Shapes: F frames, H W image, C channels (1 or 3).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.store import records
from runner.store.confined import (
    delete,
    file_place,
    make_folder,
    read,
    refuse_links_out,
    write_atomically,
)
from runner.store.json_file import read_json, write_json
from runner.store.pictures import PICTURES, About, PictureFiles, rendered
from runner.store.run_schemas import Status, Summary

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

STATES = ("running", "finished", "interrupted", "failed", "diverged", "pruned")
"""The states of a run in ``status.json``."""

FILES = (
    ".lock", "config.yaml", "config_unresolved.yaml", "status.json", "metrics.jsonl",
    "metrics.csv", "summary.json", "scores.json", "log.txt", "checkpoint",
    "checkpoint_best", "figures", "tables", "tensorboard",
)  # fmt: skip
"""What vaerun reads and writes in a run folder, beside ``wandb``."""

_MOST_SETTINGS = 1 << 20
"""Bytes of the largest file of settings that is read; that of a run has some thousands."""

_REMEDY = "the run can do without it: delete it"


@dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of one run."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Return the folder of a new run, created if it does not exist.

        Raises: UsageError when it cannot be written to, or links in it lead out of it.
        """
        hint = "choose another folder with out=…"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write to '{path}': {error.strerror}", hint) from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write to '{path}': it is read-only", hint)
        refuse_links(path)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the folder of an existing run.

        Raises: UsageError when there is no run in it, or links in it lead out of it; DataError when
            its config.yaml is no regular file.
        """
        refuse_links(path)
        if file_place(path / "config.yaml", path).is_file():
            return cls(path)
        hint = "a run folder is outputs/DATE/TIME-uid-NAME"
        runs, grids = sorted(path.glob("*/config.yaml")), sorted(path.glob("*/grid.json"))
        if grids:
            hint = f"it holds grids, such as '{grids[0].parent}'"
        elif runs:
            hint = f"it holds runs, such as '{runs[0].parent}'"
        elif not path.is_dir():
            hint = "there is no such folder"
        raise UsageError(f"'{path}' is not a run folder (it has no config.yaml)", hint)

    def write_config(self, yaml_text: str) -> None:
        """Replace ``config.yaml``."""
        write_atomically(self.path / "config.yaml", yaml_text.encode(), self.path)

    def read_config(self) -> str:
        """Return the text of ``config.yaml``.

        Raises: UsageError when it is missing, empty or not text; DataError when it is no regular
            file.
        """
        text = self._read_text("config.yaml")
        if text is None:
            raise UsageError(f"'{self.path}' is not a run folder (it has no config.yaml)")
        if not text.strip():
            raise UsageError(f"'{self.path / 'config.yaml'}' is empty")
        return text

    def write_unresolved(self, yaml_text: str) -> None:
        """Replace ``config_unresolved.yaml``: the settings with their references, as composed."""
        write_atomically(self.path / "config_unresolved.yaml", yaml_text.encode(), self.path)

    def read_unresolved(self) -> str | None:
        """Return the text of ``config_unresolved.yaml``, or None where there is none.

        Raises: UsageError when it is not text; DataError when it is no regular file.
        """
        return self._read_text("config_unresolved.yaml")

    def update_status(self, **changes: object) -> None:
        """Change some keys of ``status.json``; the others and the order are kept."""
        if changes.get("state", STATES[0]) not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}")
        write_json(self.path / "status.json", {**self.read_status(), **changes}, self.path)

    def read_status(self) -> dict[str, Any]:
        """Return ``status.json``, empty where there is none.

        Raises: DataError when the file is corrupt.
        """
        return read_json(self.path / "status.json", Status, within=self.path, hint=_REMEDY)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replace ``summary.json``; a number that is not finite becomes null."""
        write_json(self.path / "summary.json", summary, self.path)

    def read_summary(self) -> dict[str, Any]:
        """Return ``summary.json``, empty where there is none.

        Raises: DataError when the file is corrupt.
        """
        return read_json(self.path / "summary.json", Summary, within=self.path, hint=_REMEDY)

    def append_record(self, record: Mapping[str, float | int]) -> None:
        """Add a line to ``metrics.jsonl``; a number that is not finite becomes null."""
        records.append(self._records, record)

    def read_records(self) -> list[records.Record]:
        """Return the records of ``metrics.jsonl``, evenly thinned where there are very many.

        Raises: DataError when a line is not a record.
        """
        return records.read(self._records)

    def iterate_records(self) -> Iterator[records.Record]:
        """Yield every record of ``metrics.jsonl``, one by one.

        Raises: DataError when a line is not a record.
        """
        return records.iterate(self._records)

    def rewind_records(self, step: int) -> None:
        """Remove the records after ``step``, and an incomplete last line.

        Raises: DataError when a line is not a record.
        """
        records.rewind(self._records, step)

    def sync_records(self) -> None:
        """Flush the records to disk, so that they survive a power failure."""
        records.sync(self._records)

    def write_table(self, name: str, text: str) -> Path:
        """Replace ``tables/<name>.csv``, and return its path."""
        path = self.path / "tables" / f"{name}.csv"
        make_folder(path.parent, self.path)
        write_atomically(path, text.encode(), self.path)
        return path

    def write_figure(
        self, name: str, figure: Figure, files: PictureFiles | None = None, *, alone: bool = False
    ) -> Path:
        """Replace ``figures/<name>.<format>`` in each format, and return the path of the first.

        The first is a PNG if there is one. ``alone``: delete what other formats there are of the
        figure, since they show an earlier state of the run.
        """
        files = files or PictureFiles()
        about = files.about.of(name)
        formats = sorted(files.formats, key=lambda form: form != "png")
        contents = {form: rendered(figure, form, about, files.dpi) for form in formats}
        paths = [self._write_picture(f"{name}.{form}", contents[form]) for form in formats]
        for other in PICTURES:
            if alone and other not in formats:
                delete(self.path / "figures" / f"{name}.{other}", self.path)
        return paths[0]

    def write_animation(
        self,
        name: str,
        frames_FHWC: NDArray[np.uint8],
        *,
        seconds_per_frame: float,
        about: About | None = None,
    ) -> Path:
        """Replace ``figures/<name>.gif``, an endless loop, and return its path."""
        from PIL import Image

        if frames_FHWC.shape[3] == 1:
            frames_FHWC = frames_FHWC[..., 0]
        first, *others = [Image.fromarray(frame) for frame in frames_FHWC]
        content = BytesIO()
        first.save(
            content,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=round(1000 * seconds_per_frame),
            loop=0,
            comment=(about or About()).of(name).description.encode(),
        )
        return self._write_picture(f"{name}.gif", content.getvalue())

    @property
    def _records(self) -> Path:
        return file_place(self.path / "metrics.jsonl", self.path)

    def _write_picture(self, file_name: str, content: bytes) -> Path:
        path = self.path / "figures" / file_name
        make_folder(path.parent, self.path)
        write_atomically(path, content, self.path)
        return path

    def _read_text(self, name: str) -> str | None:
        """Return the text of a file of settings, or None where there is no such file."""
        path = self.path / name
        content = read(path, self.path, _MOST_SETTINGS)
        try:
            return None if content is None else content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"'{path}' is not a text file") from error


def refuse_links(path: Path) -> None:
    """Refuse a run folder with a link out of it in the place of something that vaerun uses.

    Raises: UsageError, which names the link.
    """
    refuse_links_out(path, FILES)
    # In it W&B keeps links of its own, which lead out of a run folder that was moved; it replaces
    # them, and does not follow them.
    refuse_links_out(path, ("wandb",), depth=1)
