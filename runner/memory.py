"""Memory: how much there is, what cannot fit, and which errors say that there was too little.

An operating system may promise more memory than there is, and end the process when it is used. What
the settings alone decide is therefore compared with the machine before it is allocated.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType

from runner.errors import UsageError, VaerunError

_GROUPS = Path("/proc/self/cgroup")
"""Where Linux says which control groups limit this process."""

_LIMITS = Path("/sys/fs/cgroup")
"""Where it says how much memory the processes of a group may use together."""

_SAID = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|unable to allocate|bad_alloc"
    r"|failed to allocate|alloc_cpu|_ALLOC_FAILED|invalid buffer size|array is too big"
    r"|maximum allowed dimension|size calculation overflowed|integer multiplication overflow"
    r"|overflow when unpacking|cannot fit 'int'|too large to convert|iterator is too large",
    re.IGNORECASE,
)
"""What torch, NumPy, joblib and the operating system say, whatever the type of the error."""

_AMOUNT = re.compile(r"allocate:?\s+(?:(\d+) bytes|([\d.]+ [KMGTPE]iB))", re.IGNORECASE)

_MODEL = ("the model", "a smaller architecture, or fewer prior.dimensions, need less")

_ROOMS = (
    ("runner.commands.compare", "this comparison", "fewer folders, or --no-figures, need less"),
    ("runner.config", "the settings", "shorter lists need less"),
    ("runner.commands.sweep", "the grid", "fewer values of its settings need less"),
    ("runner.dataset", "the images of the dataset", "a smaller dataset needs less"),
    ("runner.training.state", *_MODEL),
    ("runner.model.vae", *_MODEL),
    ("runner.training", "a step of training", "a smaller batch_size needs less"),
    ("runner.evaluation.scores", "a score", "vaerun evaluate DIR metrics=fast needs less"),
    ("runner.evaluation", "the evaluation", "a smaller evaluation.encodings needs less"),
    ("runner.figures", "the figures", "a smaller evaluation.map_points needs less"),
)
"""Package or module → what it makes, and which setting makes that smaller."""

_ELSEWHERE = ("", "this", "a smaller batch_size, evaluation.encodings or architecture needs less")


def failure(error: BaseException) -> VaerunError | None:
    """Return what to tell the user of an error that means too little memory, else None.

    The first of our modules in its traceback that is known says what the memory was for.
    """
    if isinstance(error, VaerunError) or not _is_failure(error):
        return None
    _, what, hint = _room(error.__traceback__)
    device = "the device has" if "CUDA" in str(error) else "there is"
    amount = _amount(str(error))
    needs = f", which needs {amount} more" if amount else ""
    return VaerunError(f"{device} too little memory for {what}{needs}", hint)


def require(needed: float, what: str, hint: str) -> None:
    """Refuse what does not fit this machine.

    Args:
        needed: the least number of bytes that it takes.
        what: the setting that asks for it, such as ``batch_size=5000``.
        hint: how to need less.

    Raises: UsageError when that is more than the memory of the machine.
    """
    there = total()
    if needed > there:
        message = f"{what} needs at least {size(needed)} of memory, and there are {size(there)}"
        raise UsageError(message, hint)


def total() -> int:
    """Return the bytes of memory that this process may use: the machine's, or its container's.

    A container or a scheduler's job limits it by a control group, or by one that this lies in.
    """
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _limit_files():
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):  # there is no such file, or no limit ("max")
            continue
    return min(limit for limit in limits if limit > 0)


def _limit_files() -> Iterator[Path]:
    """Yield where the limits of this process may be written, in either version of the groups."""
    try:
        lines = _GROUPS.read_text().splitlines()
    except OSError:  # not on Linux
        return
    for line in lines:
        _, controllers, place = line.split(":", 2)
        named = PurePosixPath(place)
        for group in (named, *named.parents):
            inside = str(group).lstrip("/")
            if not controllers:
                yield _LIMITS / inside / "memory.max"
            elif "memory" in controllers.split(","):
                yield _LIMITS / "memory" / inside / "memory.limit_in_bytes"


def size(count: float) -> str:
    """Return a number of bytes as a person would say it: 512 bytes, 1.5 GiB."""
    if count < 1024:
        return f"{count:.0f} bytes"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        count /= 1024
        if count < 1024:
            return f"{count:.1f} {unit}"
    return f"{count:,.0f} TiB"


def _is_failure(error: BaseException) -> bool:
    if isinstance(error, MemoryError):  # NumPy's own are of this kind, too
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    by_words = isinstance(error, RuntimeError | ValueError | OverflowError | TypeError)
    return by_words and _SAID.search(str(error)) is not None


def _amount(text: str) -> str | None:
    """Return how much memory a message asks for."""
    found = _AMOUNT.search(text)
    if found is None:
        return None
    return size(int(found[1])) if found[1] else found[2]


def _room(traceback: TracebackType | None) -> tuple[str, str, str]:
    """Return the row of the first known module in a traceback, from the outermost call inwards."""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        for row in _ROOMS:
            if module == row[0] or module.startswith((f"{row[0]}.", f"{row[0]}_")):
                return row
        traceback = traceback.tb_next
    return _ELSEWHERE
