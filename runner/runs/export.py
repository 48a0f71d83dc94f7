"""A trained model as files for other programs: ONNX models, and programs of torch.export.

What is written was read again and has given what the model gives, on random batches of several
sizes.

Shapes: B images or codes, W columns of z, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from runner import memory
from runner.errors import VaerunError
from runner.model import VaeRepresentation
from runner.model.portable import CODES, IMAGES, PortableDecoder, PortableEncoder
from runner.runs.export_formats import FORMATS, READERS, WRITERS, Loaded, Outputs, quiet
from runner.runs.load import OpenedModel

TOLERANCE = 1e-4
"""Largest difference from the model, relative to the largest number of its output if above 1."""

BATCHES = (1, 2, 7, 64)
"""Sizes of the batches that are compared."""


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


def export(model: OpenedModel, formats: Sequence[str]) -> list[Exported]:
    """Return the files of a model in some formats, each checked.

    Raises: VaerunError where a half cannot be exported, or its file gives other numbers.
    """
    found: list[Exported] = []
    for half in halves(model):
        with quiet(), torch.no_grad(), _in_one_line(half):
            program = _program(half)
            for name in formats:
                file = f"{half.name}{FORMATS[name]}"
                content = WRITERS[name](program, half.takes, half.gives)
                difference = _difference(half, READERS[name](content), file)
                found.append(Exported(half.name, file, content, difference))
    return found


def halves(model: OpenedModel) -> tuple[Half, Half]:
    """Return the encoder and the decoder of a model."""
    source = torch.Generator().manual_seed(0)
    vae = deepcopy(model.method.networks).float().cpu()
    vae.bf16 = False
    representation = VaeRepresentation(vae, model.trained_on.kind.to_input)
    encoder = PortableEncoder(vae)
    shape, latents = model.trained_on.shape, vae.latents

    def images(count: int) -> Tensor:
        return model.trained_on.kind.draw((count, *shape), source)

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


def _difference(half: Half, loaded: Loaded, file: str) -> float:
    """Return the largest difference of a file's outputs from the model's, over all batches.

    Raises: VaerunError where it is too large.
    """
    largest = 0.0
    for count in BATCHES:
        inputs = half.examples(count)
        outputs = zip(half.gives, half.reference(inputs), loaded(inputs), strict=True)
        for name, ours, theirs in outputs:
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


@contextmanager
def _in_one_line(half: Half) -> Generator[None]:
    """Say in one line what an exporter, or a library that reads its file, raises within.

    Raises: VaerunError in place of any other error.
    """
    try:
        yield
    except VaerunError:
        raise
    except Exception as error:  # they raise errors of all kinds
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"the {half.name} cannot be exported: {reason}"
        raise memory.failure(error) or VaerunError(message, "nothing is written") from error
