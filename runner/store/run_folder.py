"""The folder of one run: its settings, status, records, summary and figures.

``metrics.jsonl`` is only appended to, by whole lines. Every other file is replaced atomically: a
reader finds the old file or the new one, also after a crash. Nothing is pickled, so folders from
untrusted sources are safe to open.

Shapes: F frames, H W image, C channels (1 or 3).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from runner.errors import UsageError
from runner.store import records

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

STATES = ("running", "finished", "interrupted", "failed", "diverged")
"""The states of a run in ``status.json``."""


@dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of one run."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Return the folder of a new run, created if it does not exist.

        Raises: UsageError when it cannot be written to.
        """
        hint = "choose another folder with out=…"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write to '{path}': {error.strerror}", hint) from error
        if not os.access(path, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write to '{path}': it is read-only", hint)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the folder of an existing run.

        Raises: UsageError when there is no run in it.
        """
        if (path / "config.yaml").is_file():
            return cls(path)
        hint = "a run folder is outputs/DATE/TIME-uid-NAME"
        runs = sorted(path.glob("*/config.yaml"))
        if runs:
            hint = f"it holds runs, such as '{runs[0].parent}'"
        elif not path.is_dir():
            hint = "there is no such folder"
        raise UsageError(f"'{path}' is not a run folder (it has no config.yaml)", hint)

    def write_config(self, yaml_text: str) -> None:
        """Replace ``config.yaml``."""
        write_atomically(self.path / "config.yaml", yaml_text.encode())

    def read_config(self) -> str:
        """Return the text of ``config.yaml``.

        Raises: UsageError when it is not text.
        """
        try:
            return (self.path / "config.yaml").read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"'{self.path / 'config.yaml'}' is not a text file") from error

    def write_unresolved(self, yaml_text: str) -> None:
        """Replace ``config_unresolved.yaml``: the settings with their references, as composed."""
        write_atomically(self.path / "config_unresolved.yaml", yaml_text.encode())

    def read_unresolved(self) -> str | None:
        """Return the text of ``config_unresolved.yaml``, or None where there is none.

        Raises: UsageError when it is not text.
        """
        path = self.path / "config_unresolved.yaml"
        try:
            return path.read_text(encoding="utf-8") if path.is_file() else None
        except UnicodeDecodeError as error:
            raise UsageError(f"'{path}' is not a text file") from error

    def update_status(self, **changes: object) -> None:
        """Change some keys of ``status.json``; the others and the order are kept."""
        if changes.get("state", STATES[0]) not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}")
        write_json(self.path / "status.json", {**self.read_status(), **changes})

    def read_status(self) -> dict[str, Any]:
        """Return ``status.json``, empty where there is none.

        Raises: UsageError when the file is corrupt.
        """
        return read_json(self.path / "status.json")

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replace ``summary.json``; a number that is not finite becomes null."""
        write_json(self.path / "summary.json", summary)

    def read_summary(self) -> dict[str, Any]:
        """Return ``summary.json``, empty where there is none.

        Raises: UsageError when the file is corrupt.
        """
        return read_json(self.path / "summary.json")

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

    def write_figure(self, name: str, figure: Figure) -> Path:
        """Replace ``figures/<name>.png`` and return its path."""
        content = BytesIO()
        figure.savefig(content, format="png")
        return self._write_picture(f"{name}.png", content)

    def write_animation(
        self, name: str, frames_FHWC: NDArray[np.uint8], *, seconds_per_frame: float
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
        )
        return self._write_picture(f"{name}.gif", content)

    @property
    def _records(self) -> Path:
        return self.path / "metrics.jsonl"

    def _write_picture(self, file_name: str, content: BytesIO) -> Path:
        path = self.path / "figures" / file_name
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, content.getvalue())
        return path


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file; a number that is not finite becomes null."""
    text = json.dumps(_standard(content), indent=2, allow_nan=False, ensure_ascii=False)
    write_atomically(path, (text + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file, empty where there is no file.

    Raises: UsageError when the file is corrupt.
    """
    if not path.exists():
        return {}
    content = _parse(path.read_bytes())
    if content is None:
        raise UsageError(f"'{path}' is corrupt", "the run can do without it: delete it")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably: after a crash it has its old or its new content."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk, so that no later write is durable before them."""
    with suppress(OSError):  # not every system can; replacing is atomic there nevertheless
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parse(content: bytes) -> dict[str, Any] | None:
    """Return the object of a JSON text, or None if it is anything else."""
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _standard(value: object) -> object:
    """Return a value that standard JSON can represent: NaN and infinity become None."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(key): _standard(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_standard(item) for item in cast("list[object]", value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value
