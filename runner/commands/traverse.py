"""``vaerun traverse``: what each variable of a code does to one image, as a picture."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.arguments import Arguments
from runner.commands.manual import TRAVERSE
from runner.commands.use_of_run import (
    GOES_ON,
    PLACES,
    operands,
    output,
    settings_of,
    whole_number,
)
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.api.images import GivenImages
    from runner.runs.load import OpenedModel

_FORMATS = (".png", ".pdf", ".svg")


def run(arguments: Arguments) -> int:
    """Draw the traversals of an image, print the picture's path, and return the exit code.

    Raises: VaerunError for arguments that cannot be carried out.
    """
    (folder,) = operands(arguments, TRAVERSE, 1)
    path = output(arguments, TRAVERSE)
    given = settings_of(arguments, TRAVERSE, ("device", *PLACES))
    image, number = arguments.text("--image"), arguments.text("--index")
    if image is not None and number is not None:
        raise UsageError("--image and --index each say which image", TRAVERSE.help_hint)
    index = whole_number(number or "0", "--index", 0)
    if path.suffix.lower() not in _FORMATS:
        hint = f"its name ends in {', '.join(_FORMATS)}"
        raise UsageError(f"'{path}' is not the name of a picture", hint)
    from runner.api.drawing import draw_traversals
    from runner.api.encoded import refuse_existing
    from runner.api.images import given_images
    from runner.console.stopping import stopping
    from runner.runs.load import open_model
    from runner.store.confined import write_atomically

    refuse_existing(path)
    trusted = "--trust" in arguments.flags
    with stopping(GOES_ON):
        opened = open_model(Path(folder), given.get("device", "cpu"), trusted=trusted)
        if image is None:
            start = _test_image(opened, index, given, trusted=trusted)
        else:
            start = given_images(image, opened.trained_on, opened.config)
        figure = draw_traversals(opened, start, arguments.texts("--variable"))
        content = io.BytesIO()
        figure.savefig(content, format=path.suffix[1:].lower())
        write_atomically(path, content.getvalue())
    sys.stdout.write(f"{path}\n")
    return 0


def _test_image(
    opened: OpenedModel, index: int, given: Mapping[str, str], *, trusted: bool
) -> GivenImages:
    """Return one of the test images of a run.

    Raises: UsageError where there are not so many.
    """
    import torch

    from runner.api.images import GivenImages
    from runner.console.run_display import make_console
    from runner.runs.load import RunLoader

    places = [f"{key}={value}" for key, value in given.items() if key != "device"]
    loader = RunLoader(make_console(), ["device=cpu", *places], trusted=trusted)
    dataset = loader.open(opened.folder.path)[0].dataset
    if index >= dataset.test.size:
        last = dataset.test.size - 1
        raise UsageError(f"--index {index}: the test images have the numbers 0 to {last:,}")
    inputs_1CHW = dataset.kind.to_input(dataset.test.images(torch.tensor([index])))
    return GivenImages(1, lambda _: inputs_1CHW)
