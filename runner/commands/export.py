"""``vaerun export``: the encoder and the decoder of a trained run, for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.commands.arguments import Arguments
from runner.commands.manual_of_runs import EXPORT
from runner.console.lines import print_labelled
from runner.console.part_display import PartDisplay
from runner.console.run_display import make_console, print_note
from runner.console.stopping import stopping
from runner.errors import UsageError
from runner.store.run_folder import RunFolder


def run(arguments: Arguments) -> int:
    """Write the model of a run, print the folder on stdout, and return the exit code.

    Raises: VaerunError where there is no trained run, the folder cannot be written, packages are
        missing, or what would be written gives other numbers than the model; nothing is written.
    """
    if arguments.overrides:
        raise UsageError(f"export takes no settings such as '{arguments.overrides[0]}'")
    if len(arguments.operands) != 1:
        raise UsageError("export takes the folder of one run", EXPORT.usage[0])
    path, out = Path(arguments.operands[0]), arguments.text("--out")
    if (path / "grid.json").is_file():
        raise UsageError(f"'{path}' is a grid, not one run", f"name one of its runs: {path}/0")
    RunFolder.open(path)  # raises where there is no run, before torch is imported
    from runner.runs.export_files import refuse_place
    from runner.runs.export_formats import FORMATS, require_packages

    given = arguments.text("--format") or "both"
    formats = list(FORMATS) if given == "both" else [given]
    require_packages(formats)
    folder, within = (Path(out), Path(out)) if out else (path / "export", path)
    refuse_place(folder, within)
    with stopping("nothing was written"):
        _export(path, formats, (folder, within), trusted="--trust" in arguments.flags)
    return 0


def _export(path: Path, formats: list[str], place: tuple[Path, Path], *, trusted: bool) -> None:
    from runner.runs.export import BATCHES, export
    from runner.runs.export_files import write
    from runner.runs.load import open_model

    console, (folder, within) = make_console(), place
    model = open_model(path, trusted=trusted)
    with PartDisplay(console) as display, display.part("exporting"):
        files = export(model, formats)
    others = write(model, files, folder, within)
    sizes = ", ".join(str(count) for count in BATCHES)
    for file in files:
        print_labelled(
            console, file.name, f"largest difference {file.difference:.2g} in batches of {sizes}"
        )
    if model.config.precision != "float32":
        print_note(console, f"the files compute in float32, not in {model.config.precision}")
    for name in others:
        print_note(console, f"'{folder / name}' is of an earlier export")
    sys.stdout.write(f"{folder}\n")
