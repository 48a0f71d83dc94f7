"""A page for each public module, and their navigation."""

from __future__ import annotations

from pathlib import Path

_FOLDER = "reference/api"
_NOT_MODULES = {"__main__", "_data"}


def modules(root: Path) -> list[tuple[str, ...]]:
    """Return the dotted parts of every public module of ``runner``, a package before its own."""
    found: list[tuple[str, ...]] = []
    for path in sorted((root / "runner").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not _NOT_MODULES & set(parts) and not any(part.startswith("_") for part in parts):
            found.append(parts)
    return sorted(found)


def pages(root: Path) -> dict[str, str]:
    """Return the text of each page by its path, and of ``SUMMARY.md``."""
    every = modules(root)
    packages = {parts[:-1] for parts in every}
    found: dict[str, str] = {}
    summary: list[str] = []
    for parts in every:
        name = ".".join(parts)
        place = "/".join(parts[1:] + (("index",) if parts in packages else ())) + ".md"
        found[f"{_FOLDER}/{place}"] = f"# `{name}`\n\n::: {name}\n"
        title = name if len(parts) == 1 else parts[-1]
        indent = "    " * max(len(parts) - 2, 0)
        summary.append(f"{indent}- [{title}]({place})")
    found[f"{_FOLDER}/SUMMARY.md"] = "\n".join(summary) + "\n"
    return found
