"""One event file of TensorBoard, written by the library ``tensorboard``.

The library is imported only where a run needs it. Every event is written whole and at once: what a
crash leaves incomplete is passed over by readers.
"""

from __future__ import annotations

import json
import math
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from runner.config.tree import leaves
from runner.errors import UsageError
from runner.store.confined import make_folder, open_to_append, read
from runner.tracking.rows import Row, markdown

_NAME = re.compile(r"events\.out\.tfevents\.(\d{10})\.")
_VERSION = "brain.Event:2"
"""Of the format: readers forget steps only where a file names it."""

_SHOWN = (".png", ".gif")
"""Kinds of files that TensorBoard can show."""

_MOST_BYTES = 2**26
"""Of a picture."""

_PLACES = ("out", "data_dir", "device", "wandb.", "tracking.")
"""Settings that are no hyperparameters."""

_SUCCESS, _FAILURE = 1, 2
"""How a session ended, by the numbers of the hparams plugin."""


def require_tensorboard() -> None:
    """Import the parts of the library that are used.

    Raises: UsageError when it is not installed.
    """
    try:
        _library()
    except ImportError as error:
        hint = "pip install 'vaerun[tensorboard]'"
        raise UsageError("tracking.to=[tensorboard] needs tensorboard", hint) from error


class _Library(NamedTuple):
    """The modules of the library, whose messages have no types."""

    events: Any
    summaries: Any
    sessions: Any
    metadata: Any
    records: Any
    texts: Any
    tensors: Any
    types: Any


@cache
def _library() -> _Library:
    from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2
    from tensorboard.plugins.text import metadata as texts
    from tensorboard.summary.writer import record_writer

    return _Library(
        event_pb2, summary_pb2, plugin_data_pb2, metadata, record_writer,
        texts, tensor_pb2, types_pb2,
    )  # fmt: skip


class EventFile:
    """A new event file in a folder, whose name sorts after those that are there.

    ``is_first`` says whether there are none.
    """

    def __init__(self, folder: Path, step: int, within: Path) -> None:
        """Begin the file: TensorBoard forgets what earlier ones have from ``step`` on.

        Raises: UsageError and DataError as :mod:`runner.store.confined`; OSError.
        """
        library = _library()
        self._within = within
        make_folder(folder, within)
        stamps = [int(m[1]) for m in (_NAME.match(path.name) for path in folder.iterdir()) if m]
        self.is_first = not stamps
        stamp = max([int(time.time()), *(s + 1 for s in stamps if s < 10**10 - 1)])
        name = f"events.out.tfevents.{stamp:010d}.{socket.gethostname()}.{os.getpid()}"
        self._file = library.records.RecordWriter(open_to_append(folder / name, within))
        self._write(file_version=_VERSION)
        begun = library.events.SessionLog(status=library.events.SessionLog.START)
        self._write(step=step, session_log=begun)

    def add_numbers(self, numbers: Mapping[str, float | None], step: int) -> None:
        """Add scalars by name, other than ``step``; None is shown as not a number."""
        summaries = _library().summaries
        values = [
            summaries.Summary.Value(tag=name, simple_value=math.nan if value is None else value)
            for name, value in numbers.items()
            if name != "step"
        ]
        if values:
            self._write(step=step, summary=summaries.Summary(value=values))

    def add_pictures(self, paths: Mapping[str, Path], step: int) -> None:
        """Add PNG and GIF files as ``figures/NAME``; others, or what is gone, are passed over."""
        from PIL import Image

        summaries = _library().summaries
        for name, path in paths.items():
            content = read(path, self._within, _MOST_BYTES)
            if content is None or path.suffix not in _SHOWN:
                continue
            width, height = Image.open(BytesIO(content)).size
            picture = summaries.Summary.Image(
                width=width, height=height, colorspace=3, encoded_image_string=content
            )
            value = summaries.Summary.Value(tag=f"figures/{name}", image=picture)
            self._write(step=step, summary=summaries.Summary(value=[value]))

    def add_table(self, name: str, columns: Sequence[str], rows: Sequence[Row], step: int) -> None:
        """Add a table as text, ``tables/NAME``."""
        library = _library()
        text = markdown(columns, rows).encode()
        value = library.summaries.Summary.Value(
            tag=f"tables/{name}",
            metadata=library.texts.create_summary_metadata(name, ""),
            tensor=library.tensors.TensorProto(dtype=library.types.DT_STRING, string_val=[text]),
        )
        self._write(step=step, summary=library.summaries.Summary(value=[value]))

    def begin_session(self, config: Mapping[str, Any]) -> None:
        """Write the settings as hyperparameters, by which the table of runs is filtered."""
        start = _library().sessions.SessionStartInfo(start_time_secs=time.time())
        for name, value in _hyperparameters(config):
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, (int, float)):
                start.hparams[name].number_value = value
            else:
                start.hparams[name].string_value = value
        self._write_session("START", session_start_info=start)

    def end_session(self, exit_code: int) -> None:
        """Write how the run ended in this process."""
        status = _FAILURE if exit_code else _SUCCESS
        end = _library().sessions.SessionEndInfo(status=status, end_time_secs=time.time())
        self._write_session("END", session_end_info=end)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_session(self, part: str, **info: object) -> None:
        """Write the start or the end of a session; it is the description of an empty tensor."""
        _, summaries, sessions, metadata, *_ = _library()
        value = summaries.Summary.Value(
            tag=getattr(metadata, f"SESSION_{part}_INFO_TAG"),
            metadata=metadata.create_summary_metadata(sessions.HParamsPluginData(**info)),
            tensor=metadata.NULL_TENSOR,
        )
        self._write(summary=summaries.Summary(value=[value]))

    def _write(self, **content: object) -> None:
        event = _library().events.Event(wall_time=time.time(), **content)
        self._file.write(event.SerializeToString())
        self._file.flush()


def _hyperparameters(config: Mapping[str, Any]) -> Iterator[tuple[str, bool | float | str]]:
    """Yield the settings of a run that may change its results, as the table can hold them."""
    for name, value in leaves(config):
        if name.startswith(_PLACES):
            continue
        if isinstance(value, (bool, int, float, str)):
            yield name, value
        else:
            yield name, json.dumps(value)
