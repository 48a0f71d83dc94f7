"""Removing the known files of a folder that may come from anyone, and nothing else.

The folder is walked by open descriptors, so that nothing is reached through a link, whenever one is
put in its place: a link itself is removed where a file of that name would be, and what it points to
is never looked at. Whatever is not known to belong stays, with the folders above it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

_DEEPEST = 40
"""Levels of folders that are entered; nothing of ours has half as many."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Part:
    """A folder in the folder, and the patterns of what belongs in it."""

    patterns: tuple[str, ...]
    whole: bool = False
    """Whether the patterns are those of its direct entries, and all beneath such a one belongs.
    Otherwise files at any depth belong whose names match."""


@dataclass(frozen=True)
class Known:
    """What belongs to a kind of folder."""

    files: tuple[str, ...]
    """Patterns of the names of its files."""
    parts: Mapping[str, Part]
    """Name of a folder in it → what belongs there."""
    last: tuple[str, ...] = ()
    """Files without which it would not be known again, removed after all others."""

    def has_file(self, names: tuple[str, ...], *, is_link: bool) -> bool:
        """Return whether a file at these names, one in the other, belongs to the folder."""
        if len(names) == 1:
            is_part = is_link and names[0] in self.parts
            return is_part or _matches(names[0], self.files)
        part = self.parts.get(names[0])
        return part is not None and _matches(names[1] if part.whole else names[-1], part.patterns)

    def has_folder(self, names: tuple[str, ...]) -> bool:
        """Return whether files of the folder may be in a folder at these names."""
        part = self.parts.get(names[0])
        if part is None or len(names) == 1:
            return part is not None
        return not part.whole or _matches(names[1], part.patterns)


@dataclass
class Removal:
    """What of a folder goes, or went, and what stays."""

    files: int = 0
    bytes: int = 0
    left: list[str] = field(default_factory=list[str])
    """Paths within the folder of what stays; of a folder that is not entered, its own."""


def look(folder: Path, known: Known) -> Removal:
    """Return what :func:`remove` would do; nothing is changed."""
    return _Walk(known, acts=False).folder(folder)


def remove(folder: Path, known: Known) -> Removal:
    """Remove what belongs to a folder, and the folder itself if nothing is left in it.

    Raises: OSError where something cannot be removed; the files that make it known are then there.
    """
    done = _Walk(known, acts=True).folder(folder)
    if not done.left:
        folder.rmdir()
    return done


class _Walk:
    """Goes through a folder once, and counts or removes what belongs to it."""

    def __init__(self, known: Known, *, acts: bool) -> None:
        self._known = known
        self._acts = acts
        self._found = Removal()

    def folder(self, path: Path) -> Removal:
        descriptor = os.open(path, _FOLDER)
        try:
            self._entries(descriptor, ())
        finally:
            os.close(descriptor)
        return self._found

    def _entries(self, descriptor: int, above: tuple[str, ...]) -> bool:
        """Go through an open folder; return whether nothing is left in it."""
        with os.scandir(descriptor) as found:
            names = sorted((entry.name for entry in found), key=self._order)
        kept = [name for name in names if not self._entry(descriptor, (*above, name))]
        return not kept

    def _entry(self, descriptor: int, names: tuple[str, ...]) -> bool:
        """Count or remove an entry; return whether it goes."""
        status = os.stat(names[-1], dir_fd=descriptor, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            return self._inner(descriptor, names, status.st_dev)
        if not self._known.has_file(names, is_link=stat.S_ISLNK(status.st_mode)):
            return self._leave(names)
        self._found.files += 1
        self._found.bytes += status.st_size if stat.S_ISREG(status.st_mode) else 0
        if self._acts:
            os.unlink(names[-1], dir_fd=descriptor)
        return True

    def _inner(self, descriptor: int, names: tuple[str, ...], device: int) -> bool:
        """Go through a folder in the folder; return whether it goes."""
        is_mounted = os.fstat(descriptor).st_dev != device
        if is_mounted or len(names) > _DEEPEST or not self._known.has_folder(names):
            return self._leave((*names, ""))
        try:
            inner = os.open(names[-1], _FOLDER, dir_fd=descriptor)
        except OSError:  # not to be read, or a link by now
            return self._leave((*names, ""))
        try:
            is_empty = self._entries(inner, names)
        finally:
            os.close(inner)
        if is_empty and self._acts:
            os.rmdir(names[-1], dir_fd=descriptor)
        return is_empty

    def _leave(self, names: tuple[str, ...]) -> bool:
        self._found.left.append("/".join(names))
        return False

    def _order(self, name: str) -> tuple[bool, int, str]:
        last = self._known.last
        return name in last, last.index(name) if name in last else 0, name


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
