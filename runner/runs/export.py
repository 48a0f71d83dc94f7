"""A trained model as files for other programs: ONNX models, and programs of torch.export.

What is written was read again and has given what the model gives, on random batches of several
sizes.

Shapes: B images or codes, W columns of z, C H W image.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO, StringIO
from typing import Any

import torch
from torch import Tensor, nn

from runner.errors import UsageError, VaerunError
from runner.model.portable import CODES, IMAGES, PortableDecoder, PortableEncoder
from runner.runs.load import OpenedModel

FORMATS = {"onnx": ".onnx", "torch": ".pt2"}
"""Name of a format → the ending of its files."""

TOLERANCE = 1e-4
"""Largest difference from the model, relative to the largest number of its output if above 1."""

BATCHES = (1, 2, 7, 64)
"""Sizes of the batches that are compared."""

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Outputs = Sequence[Tensor]
Loaded = Callable[[Tensor], Outputs]


@dataclass(frozen=True)
class Half:
    """The encoder or the decoder, and what it is compared with."""

    name: str
    module: nn.Module
    reference: Callable[[Tensor], Outputs]
    """The model's own outputs."""
    examples: Callable[[int], Tensor]
    """Random inputs, as many as asked for."""
    takes: str
    gives: tuple[str, ...]


@dataclass(frozen=True)
class Exported:
    """A file of an exported model."""

    half: str
    name: str
    content: bytes
    difference: float
    """The largest from the model, over all outputs and batches."""


def require_packages(formats: Sequence[str]) -> None:
    """Refuse a format for which packages are missing.

    Raises: UsageError with the command that installs them.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if "onnx" in formats and missing:
        words = f"ONNX models need {', '.join(missing)}"
        raise UsageError(words, "pip install 'vaerun[export]', or --format torch does without")


def export(model: OpenedModel, formats: Sequence[str]) -> list[Exported]:
    """Return the files of a model in some formats, each checked.

    Raises: VaerunError where a half cannot be exported, or its file gives other numbers.
    """
    found: list[Exported] = []
    for half in halves(model):
        with _quiet(), torch.no_grad():
            try:
                program = _program(half)
                files = {name: _WRITERS[name](program, half) for name in formats}
            except Exception as error:  # the exporters raise errors of all kinds
                raise _cannot(half, error) from error
        for name, content in files.items():
            file = f"{half.name}{FORMATS[name]}"
            with _quiet(), torch.no_grad():
                difference = _difference(half, _READERS[name](content), file)
            found.append(Exported(half.name, file, content, difference))
    return found


def halves(model: OpenedModel) -> tuple[Half, Half]:
    """Return the encoder and the decoder of a model."""
    source = torch.Generator().manual_seed(0)
    representation, vae = model.representation, model.model.float().cpu()
    vae.bf16 = False
    encoder = PortableEncoder(vae)
    shape, latents = model.trained_on.shape, vae.latents
    is_unit = model.trained_on.kind.name == "images"

    def images(count: int) -> Tensor:
        draw = torch.rand if is_unit else torch.randn
        return draw((count, *shape), generator=source)

    def codes(count: int) -> Tensor:
        codes_BW = representation.mean(vae.encode(images(count)))
        noise_BW = torch.randn(codes_BW.shape, generator=source)
        noise_BW[:, : latents.discrete.width] = 0  # probabilities of categories stay such
        return codes_BW + noise_BW

    def encode(images_BCHW: Tensor) -> Outputs:
        parameters_BP = vae.encode(images_BCHW)
        means_BW = representation.mean(parameters_BP)
        normals = latents.posterior(parameters_BP) if latents.has_density else ()
        columns = (latents.columns[name] for name in latents.discrete.by_name)
        return means_BW, *normals, *(means_BW[:, each] for each in columns)

    def decode(codes_BW: Tensor) -> Outputs:
        return (representation.decode(codes_BW),)

    return (
        Half("encoder", encoder, encode, images, IMAGES, tuple(encoder.outputs)),
        Half("decoder", PortableDecoder(vae), decode, codes, CODES, (IMAGES,)),
    )


def _program(half: Half) -> torch.export.ExportedProgram:
    """Return a half as a graph for batches of any size."""
    batch = torch.export.Dim("batch", min=1)
    # A batch of one would be taken for a constant.
    example = (half.examples(2),)
    program = torch.export.export(
        half.module.eval(), example, dynamic_shapes={half.takes: {0: batch}}, strict=False
    )
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it names the folders of this machine
    return program


def _as_torch(program: torch.export.ExportedProgram, _: Half) -> bytes:
    content = BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _as_onnx(program: torch.export.ExportedProgram, half: Half) -> bytes:
    made: Any = torch.onnx.export(
        program,
        dynamo=True,
        input_names=[half.takes],
        output_names=list(half.gives),
        dynamic_shapes={half.takes: {0: "batch"}},
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


def _difference(half: Half, loaded: Loaded, file: str) -> float:
    """Return the largest difference of a file's outputs from the model's, over all batches.

    Raises: VaerunError where it is too large.
    """
    largest = 0.0
    for count in BATCHES:
        inputs = half.examples(count)
        try:
            outputs = loaded(inputs)
        except Exception as error:  # of whichever library reads it
            raise _cannot(half, error) from error
        for name, ours, theirs in zip(half.gives, half.reference(inputs), outputs, strict=True):
            gap = float((ours - theirs).abs().max()) if ours.shape == theirs.shape else torch.inf
            scale = max(1.0, float(ours.abs().max()))
            if not gap <= TOLERANCE * scale:
                raise VaerunError(
                    f"{file} gives {name} that differ from the model's by {gap:.2g} in a batch of "
                    f"{count}, more than {TOLERANCE * scale:.2g}",
                    "nothing is written",
                )
            largest = max(largest, gap)
    return largest


def _cannot(half: Half, error: Exception) -> VaerunError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return VaerunError(f"the {half.name} cannot be exported: {reason}", "nothing is written")


@contextmanager
def _quiet() -> Generator[None]:
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


_WRITERS = {"onnx": _as_onnx, "torch": _as_torch}
_READERS = {"onnx": _read_onnx, "torch": _read_torch}
