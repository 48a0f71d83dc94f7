"""Files of a dataset that are there, but in another folder or form than is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_MOST_ENTRIES = 5_000
"""More entries of folders than these are not looked through for the sake of a hint."""

_PACKED = (".gz", ".zip", ".xz", ".bz2", ".tar", ".tgz")


def elsewhere(root: Path, name: str) -> Path | None:
    """Return a file of a name in a folder beside or beneath ``root``, or None."""
    return next((path for path in _around(root) if path.name == name), None)


def in_another_form(root: Path, name: str) -> Path | None:
    """Return a file whose name is that of a file packed, unpacked or in another format, or None."""
    wanted = _stem(name)
    found = (p for p in _around(root) if p.name != name and _stem(p.name) == wanted)
    return next((path for path in found if not path.name.startswith(".")), None)


def _stem(name: str) -> str:
    """Return a file's name without what says how it is stored."""
    while name.endswith(_PACKED):
        name = name.rpartition(".")[0]
    return name.rpartition(".")[0] or name


def _around(root: Path) -> Iterator[Path]:
    """Yield the files in a folder, three levels beneath it, and in the folder around it."""
    absolute = root.absolute()
    beneath = [(absolute, pattern) for pattern in ("*", "*/*", "*/*/*", "*/*/*/*")]
    for folder, pattern in (*beneath, (absolute.parent, "*")):
        try:
            yield from islice((p for p in folder.glob(pattern) if p.is_file()), _MOST_ENTRIES)
        except OSError:
            continue
