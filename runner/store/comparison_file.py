"""The files of a comparison: which there are, and what the last one has written."""

from __future__ import annotations

from pathlib import Path

import msgspec

from runner.store.confined import confined
from runner.store.json_file import read_json
from runner.store.pictures import PICTURES

FILES = (
    "comparison.json", "comparison.html", "configurations.csv", "runs.csv", "differences.csv",
    "figures",
)  # fmt: skip


class _Comparison(msgspec.Struct):
    figures: list[str] = []


def read_figures(folder: Path, within: Path) -> list[str]:
    """Return the names of files that the last comparison of a folder may have in ``figures/``.

    Raises: DataError when ``comparison.json`` is corrupt.
    """
    path = folder / "comparison.json"
    hint = "it is written anew by each comparison: delete it"
    content = read_json(path, _Comparison, within=within, hint=hint)
    names: list[str] = content.get("figures", [])
    stems = [Path(name).name for name in names if Path(name).name]
    return [f"{stem}.{ending}" for stem in stems for ending in PICTURES]


def refuse_links(folder: Path, within: Path) -> None:
    """Refuse a comparison's folder with a link out of it in the place of a file to be written.

    ``within`` is the folder that no link may leave: ``folder``, or one above it.

    Raises: UsageError, which names the link.
    """
    for name in FILES:
        confined(folder / name, within)
    for ending in PICTURES:
        for picture in (folder / "figures").glob(f"*.{ending}"):
            confined(picture, within)
