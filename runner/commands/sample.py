"""``vaerun sample``: images of codes that are drawn from the prior of a trained model."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.commands.arguments import Arguments
from runner.commands.manual import SAMPLE
from runner.commands.use_of_run import GOES_ON, operands, output, settings_of, whole_number
from runner.errors import UsageError

_NUMBER = "64"
_MOST = 100_000


def run(arguments: Arguments) -> int:
    """Write samples as pictures, print their folder on stdout, and return the exit code.

    Raises: VaerunError for arguments that cannot be carried out.
    """
    (folder,) = operands(arguments, SAMPLE, 1)
    path = output(arguments, SAMPLE)
    given = settings_of(arguments, SAMPLE, ("seed", "device"))
    seed = whole_number(given.get("seed", "0"), "seed", 0)
    number = whole_number(arguments.text("--number") or _NUMBER, "-n", 1)
    if number > _MOST:
        raise UsageError(f"-n {number}: at most {_MOST:,} pictures are written")
    _refuse_folder(path)
    from runner.api.drawing import write_samples
    from runner.api.model_use import is_of_images, sample
    from runner.console.stopping import stopping
    from runner.runs.load import open_model

    with stopping(GOES_ON):
        opened = open_model(Path(folder), given.get("device", "cpu"))
        if not is_of_images(opened):
            what = opened.trained_on.kind.examples
            raise UsageError(f"{what} are not images: there is nothing to draw")
        images = sample(opened, number, seed)
    write_samples(images, path)
    sys.stdout.write(f"{path}\n")
    return 0


def _refuse_folder(path: Path) -> None:
    """Refuse a folder that has something in it, and what is none.

    Raises: UsageError.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UsageError(f"'{path}' is not a folder", "name a new one")
    if path.is_dir() and any(path.iterdir()):
        raise UsageError(f"'{path}' is not empty", "name a new folder, or an empty one")
