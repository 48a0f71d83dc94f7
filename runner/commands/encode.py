"""``vaerun encode``: the codes of images, or of a split of the run's own dataset, as a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.arguments import Arguments
from runner.commands.manual import ENCODE
from runner.commands.use_of_run import GOES_ON, PLACES, operands, output, settings_of

if TYPE_CHECKING:
    from runner.api.encoded import Encoded


def run(arguments: Arguments) -> int:
    """Write the codes of images to a file, print its path on stdout, and return the exit code.

    Raises: VaerunError for arguments that cannot be carried out.
    """
    folder, images = operands(arguments, ENCODE, 2)
    path = output(arguments, ENCODE)
    given = settings_of(arguments, ENCODE, ("device", *PLACES))
    from runner.api.encoded import refuse_output  # this imports numpy, and what follows torch
    from runner.api.model_use import SPLITS
    from runner.console.stopping import stopping

    refuse_output(path)
    with stopping(GOES_ON):
        found = _encoded(Path(folder), images, given, trusted="--trust" in arguments.flags)
        found.save(path)
    count = f"{len(found):,} codes" if len(found) != 1 else "one code"
    what = "" if images in SPLITS else ", whose factors are not known" * (found.factors is None)
    sys.stderr.write(f"{count}{what}\n")
    sys.stdout.write(f"{path}\n")
    return 0


def _encoded(folder: Path, images: str, given: Mapping[str, str], *, trusted: bool) -> Encoded:
    from runner.api.images import given_images
    from runner.api.model_use import SPLITS, encode, encode_split
    from runner.console.part_display import PartDisplay
    from runner.console.run_display import make_console
    from runner.runs.load import RunLoader, open_model

    device, console = given.get("device", "cpu"), make_console()
    opened = open_model(folder, device, trusted=trusted)
    if images not in SPLITS:
        shown = given_images(images, opened.trained_on, opened.config)
        with PartDisplay(console) as display, display.part("codes"):
            return encode(opened, shown)
    places = [f"{key}={value}" for key, value in given.items() if key != "device"]
    loader = RunLoader(console, [f"device={device}", *places], trusted=trusted)
    dataset = loader.open(folder)[0].dataset
    with PartDisplay(console) as display, display.part("codes"):
        return encode_split(opened, dataset, images)
