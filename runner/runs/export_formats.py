"""The formats of exported models: how a program is written in each, and how it is read again.

Shapes: B images or codes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from runner.errors import UsageError

FORMATS = {"onnx": ".onnx", "torch": ".pt2"}
"""Name of a format → the ending of its files."""

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Outputs = Sequence[Tensor]
Loaded = Callable[[Tensor], Outputs]


def require_packages(formats: Sequence[str]) -> None:
    """Refuse a format for which packages are missing.

    Raises: UsageError with the command that installs them.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if "onnx" in formats and missing:
        words = f"ONNX models need {', '.join(missing)}"
        raise UsageError(words, "pip install 'vaerun[export]', or --format torch does without")


def _as_torch(program: ExportedProgram, *_: object) -> bytes:
    content = BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _as_onnx(program: ExportedProgram, takes: str, gives: Sequence[str]) -> bytes:
    made: Any = torch.onnx.export(
        program,
        dynamo=True,
        input_names=[takes],
        output_names=list(gives),
        dynamic_shapes={takes: {0: "batch"}},
        verbose=False,
    )
    model = made.model_proto
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        del part.metadata_props[:]  # how the exporter came to it, with folders of this machine
    return model.SerializeToString()


def _read_torch(content: bytes) -> Loaded:
    module = torch.export.load(BytesIO(content)).module()

    def outputs(inputs: Tensor) -> Outputs:
        found = module(inputs)
        return (found,) if isinstance(found, Tensor) else tuple(found)

    return outputs


def _read_onnx(content: bytes) -> Loaded:
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session: Any = onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name

    def outputs(inputs: Tensor) -> Outputs:
        return [torch.from_numpy(each) for each in session.run(None, {name: inputs.numpy()})]

    return outputs


@contextmanager
def quiet() -> Generator[None]:
    """Keep what the exporters print and warn of off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            yield
    finally:
        logging.disable(before)


Writer = Callable[[ExportedProgram, str, Sequence[str]], bytes]
WRITERS: dict[str, Writer] = {"onnx": _as_onnx, "torch": _as_torch}
"""Format → function of a program and the names of its input and its outputs; the file's content."""

READERS: dict[str, Callable[[bytes], Loaded]] = {"onnx": _read_onnx, "torch": _read_torch}
"""Format → function of the content of a file; what gives its outputs."""
