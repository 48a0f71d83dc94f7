"""Pictures of a model at work: the traversals of one image, and samples as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from runner.api.images import GivenImages
from runner.api.model_use import decoded, is_of_images
from runner.api.traversing import Start, moved, start_of, usual_values, variable_of
from runner.errors import UsageError
from runner.evaluation.traversal_rows import positions_of, unit_of
from runner.runs.load import OpenedModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_traversals(
    opened: OpenedModel, given: GivenImages, variables: Sequence[str] | None
) -> Figure:
    """Return a figure of an image, its reconstruction, and a row of images per variable.

    Raises: UsageError where there is no such variable, not one image, or a model of what is none.
    """
    from runner.figures.traversal_of_image import (
        ImageRow,
        block_of_categories,
        block_of_values,
        traversal_of_image,
    )

    if not is_of_images(opened):
        what = opened.trained_on.kind.examples
        raise UsageError(f"{what} are not images: there is nothing to draw")
    names = [variable_of(opened, name) for name in variables or _informative_first(opened)]
    start = start_of(opened, given)
    discrete = opened.representation.category_values
    settings = opened.config.evaluation
    rows = [
        ImageRow(name, _images(opened, start, name, usual_values(opened, name, start)))
        for name in names
        if name not in discrete
    ]
    steps = settings.traversal_steps
    positions = positions_of(opened.representation, settings)
    blocks = [block_of_values(rows, positions, _unit(opened))] if rows else []
    for name in (each for each in names if each in discrete):
        numbers = np.arange(len(discrete[name]), dtype=np.float32)
        blocks.append(block_of_categories(name, _images(opened, start, name, numbers), steps))
    image_CHW = given.batch(slice(0, 1))[0].numpy()
    reconstruction_CHW = decoded(opened, start.code_W[None])[0].numpy()
    return traversal_of_image(image_CHW, reconstruction_CHW, blocks)


def _images(
    opened: OpenedModel, start: Start, name: str, values_T: NDArray[np.float32]
) -> NDArray[np.float32]:
    return decoded(opened, moved(opened, start, name, values_T)).numpy()


def _unit(opened: OpenedModel) -> str:
    if opened.representation.values:
        return f"value of the variable, {unit_of(opened.representation)}"
    if opened.representation.latents is None:
        return "value of the variable, from the image's own on"
    return "value of the variable, in prior standard deviations"


def _informative_first(opened: OpenedModel) -> list[str]:
    """Return all variables, those first of which the summary says the most information."""
    known = opened.folder.read_summary().get("information", {}).get("variable", {})
    found = cast("Mapping[str, float | None]", known if isinstance(known, dict) else {})
    return sorted(opened.representation.columns, key=lambda name: -(found.get(name) or 0.0))


def write_samples(images: NDArray[np.float32], folder: Path) -> list[Path]:
    """Write images, (N, H, W) or (N, H, W, 3), as PNG files beside a grid of all of them.

    The files are ``sample_000.png`` and so on, and ``grid.png``; the folder is made.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    bytes_N = (images.clip(0, 1) * 255).round().astype(np.uint8)
    digits = max(3, len(str(len(images) - 1)))
    paths = [folder / f"sample_{n:0{digits}}.png" for n in range(len(images))]
    for path, pixels in zip(paths, bytes_N, strict=True):
        Image.fromarray(pixels).save(path)
    Image.fromarray(_grid(bytes_N)).save(folder / "grid.png")
    return [*paths, folder / "grid.png"]


def _grid(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images side by side on white, in a grid that is about as wide as it is high."""
    count, height, width = images.shape[:3]
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    gap = max(1, width // 16)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    canvas = np.full((*size, *images.shape[3:]), 255, np.uint8)
    for n, image in enumerate(images):
        top, left = n // columns * (height + gap), n % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas
