"""The pages that stand at the top of the repository: security, contributing, changes."""

from __future__ import annotations

import re
from pathlib import Path

NAMES = {"SECURITY.md": "security.md", "CONTRIBUTING.md": "contributing.md",
         "CHANGELOG.md": "changelog.md"}  # fmt: skip
"""File at the top → its page."""

_LINK = re.compile(r"\]\((?:\.\./)*([^)#:]+)(#[^)]*)?\)")


def pages(root: Path) -> dict[str, str]:
    """Return each page by its path, with links as they are from there."""
    return {page: _LINK.sub(_relinked, (root / name).read_text()) for name, page in NAMES.items()}


def _relinked(link: re.Match[str]) -> str:
    """Return a link from the top of the repository as a link from the top of the site."""
    target = NAMES.get(link[1], link[1].removeprefix("docs/"))
    return f"]({target}{link[2] or ''})"
