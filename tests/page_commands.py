"""The commands of a page: bash runs its blocks, with programs that only say how they were called.

So variables, loops, quotes and ``&&`` mean what they mean to a reader, and a program that is none
of those below is an error.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_SPAN = re.compile(r"(?<!`)`(vaerun [^`\n]+)`(?!`)")
_PROGRAMS = ("vaerun", "python", "python3", "pip", "wandb", "mkdocs", "ruff", "pyright",
             "lint-imports", "pytest", "tensorboard", "optuna-dashboard", "jupyter",
             "curl")  # fmt: skip
_STUB = '#!/bin/bash\nprintf "%s\\0" "${0##*/}" "$#" "$@" >>"$CALLS"\n'

PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*(\.[a-z]+)?…?|.*…|path/to/.*")
"""What stands for something else: ``DIR``, ``RUN_DIR``, ``FILE.npz``, ``DIR…``, ``path/to/it``."""


@dataclass(frozen=True)
class Page:
    """The fenced blocks and the code spans of a page."""

    text: str

    def commands(self) -> Iterator[str]:
        """Yield the blocks of bash, and from others without a language the lines of vaerun."""
        for _, language, _, content in _FENCE.findall(self.text):
            if language == "bash":
                yield content
            elif not language:
                yield from re.findall(r"^vaerun [^…<\n]+$", content, re.MULTILINE)

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield (name, content) of the fenced blocks that have a title: files of the reader's."""
        for _, _, rest, content in _FENCE.findall(self.text):
            if title := _TITLE.search(rest):
                yield title[1], content

    def spans(self) -> Iterator[str]:
        """Yield each command in the running text that is one, and not the pattern of some."""
        for span in _SPAN.findall(_FENCE.sub("", self.text)):
            if not re.search(r" \[|[<>]", span):
                yield span


def calls(page: Page, folder: Path, others: Iterable[Page] = ()) -> list[list[str]]:
    """Return the programs that the blocks and the spans of a page call, with their arguments.

    ``folder`` becomes the reader's current folder, with the files of this page and of ``others``.

    Raises: AssertionError where bash refuses a line, or does not find a program.
    """
    for each in (*others, page):
        for name, content in each.files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").touch()
    stubs = folder / ".stubs"
    stubs.mkdir()
    for program in _PROGRAMS:
        (stubs / program).write_text(_STUB)
        (stubs / program).chmod(0o700)
    script = "\n".join([*page.commands(), *page.spans()])
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env={"PATH": str(stubs), "CALLS": str(folder / ".calls"), "HOME": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(_logged(folder / ".calls"))


def _logged(file: Path) -> Iterator[list[str]]:
    words = file.read_text().split("\0") if file.exists() else [""]
    at = 0
    while at < len(words) - 1:
        count = int(words[at + 1])
        yield [words[at], *words[at + 2 : at + 2 + count]]
        at += 2 + count


def without_placeholders(words: list[str]) -> list[str]:
    """Return arguments without those that stand for something else, as in ``sweep=NAME``."""
    return [w for w in words if not PLACEHOLDER.fullmatch(w.partition("=")[2] or w)]
