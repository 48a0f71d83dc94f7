"""The run folder: every file of it replaced whole, nothing pickled."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def replace_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also if the process or the machine stops meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # mkstemp makes files that only their owner may read
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Return a folder for a new run.

        Raises: UsageError when it cannot be written to.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot write to '{path}': {error.strerror}", "choose another folder with out=…"
            ) from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the folder of an existing run.

        Raises: UsageError when it holds no run.
        """
        if not (path / "config.yaml").is_file():
            raise UsageError(
                f"'{path}' is not a run folder: it has no config.yaml",
                "run folders are outputs/DATE/TIME-uid-name",
            )
        return cls(path)

    def write_config(self, yaml_text: str) -> None:
        """Write the resolved settings, ``config.yaml``."""
        replace_atomically(self.path / "config.yaml", yaml_text.encode())

    def read_config(self) -> str:
        """Return the text of ``config.yaml``."""
        return (self.path / "config.yaml").read_text(encoding="utf-8")

    def update_status(self, **changes: object) -> None:
        """Change entries of ``status.json``."""
        self._write_json("status.json", self.read_status() | changes)

    def read_status(self) -> dict[str, Any]:
        """Return ``status.json``, empty if there is none."""
        return self._read_json("status.json")

    def append_record(self, record: Mapping[str, float]) -> None:
        """Add a line to ``metrics.jsonl``."""
        line = json.dumps(_finite(record), allow_nan=False)
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def read_records(self) -> list[dict[str, Any]]:
        """Return the records of ``metrics.jsonl``; a last line that was torn off is left out."""
        path = self.path / "metrics.jsonl"
        if not path.is_file():
            return []
        whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def rewind_records(self, step: int) -> None:
        """Forget the records after a step: those of training that will be repeated."""
        kept = [json.dumps(r) + "\n" for r in self.read_records() if r["step"] <= step]
        replace_atomically(self.path / "metrics.jsonl", "".join(kept).encode())

    def sync_records(self) -> None:
        """Have ``metrics.jsonl`` on the disk, before a checkpoint says that it is there."""
        path = self.path / "metrics.jsonl"
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the final figures, ``summary.json``."""
        self._write_json("summary.json", summary)

    def read_summary(self) -> dict[str, Any]:
        """Return ``summary.json``, empty if there is none."""
        return self._read_json("summary.json")

    def write_figure(self, name: str, figure: Figure) -> Path:
        """Write a figure as PNG and return its path."""
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight")
        path = self.path / "figures" / f"{name}.png"
        replace_atomically(path, buffer.getvalue())
        return path

    def write_animation(
        self, name: str, frames_FHWC: NDArray[np.uint8], *, seconds_per_frame: float
    ) -> Path:
        """Write frames as an endlessly repeated GIF and return its path."""
        from PIL import Image

        buffer = BytesIO()
        first, *others = [Image.fromarray(frame) for frame in frames_FHWC]
        milliseconds = round(1000 * seconds_per_frame)
        first.save(
            buffer, "GIF", save_all=True, append_images=others, loop=0, duration=milliseconds
        )
        path = self.path / "figures" / f"{name}.gif"
        replace_atomically(path, buffer.getvalue())
        return path

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(_finite(content), indent=2, allow_nan=False)
        replace_atomically(self.path / name, (text + "\n").encode())

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        if not path.is_file():
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageError(f"{path} is not JSON: {error}") from error


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with null for numbers that JSON cannot write."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
