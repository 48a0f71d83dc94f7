"""Sweep files: which settings to cross, in W&B's sweep format, read as the overrides of many runs.

The same file drives ``vaerun sweep=NAME`` on this machine and ``wandb sweep`` with ``wandb agent``.
To join several grids, a file names blocks, each of which is a sweep file itself::

    name: mnist_grid
    blocks:
      - mnist_grid/beta_vae.yaml
      - {sweep: mnist_grid/hfvae.yaml, zip: {beta: [4, 12], gamma: [1, 4]}}   # two pairs, not four
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, cast

from runner.config import data_root
from runner.config.plugin_setting import KEY as PLUGINS
from runner.config.plugin_use import given_plugins, use, written
from runner.errors import UsageError, nearest
from runner.grid import sweep_yaml
from runner.grid.sweep_parameters import (
    MOST_RUNS,
    Values,
    check_name,
    grid_values,
    plain,
    texts_of,
    with_steps,
)


@dataclass(frozen=True)
class Block:
    """Every combination of some values, beside every row of some zipped ones."""

    values: Values
    rows: tuple[Mapping[str, str], ...] = ({},)
    file: Path | None = None
    """Where the values come from; None: the command line."""

    replaced_keys: frozenset[str] = frozenset()
    """Settings whose values the command line has replaced."""

    @property
    def from_file(self) -> frozenset[str]:
        """The settings whose values come from the file."""
        return frozenset({*self.values, *self.rows[0]} - self.replaced_keys)

    def size(self) -> int:
        """Return the number of combinations."""
        zipped = {key for row in self.rows for key in row}
        return len(self.rows) * prod(len(v) for k, v in self.values.items() if k not in zipped)

    def runs(self) -> Iterator[tuple[str, ...]]:
        """Yield the overrides of each run, the last setting varying fastest."""
        for row in self.rows:
            crossed = {**self.values, **{key: (value,) for key, value in row.items()}}
            for combination in product(*crossed.values()):
                yield tuple(f"{key}={v}" for key, v in zip(crossed, combination, strict=True))

    def replaced(self, given: Values) -> Block:
        """Return the block with other values for some settings."""
        rows = tuple({k: v for k, v in row.items() if k not in given} for row in self.rows)
        kept = tuple({str(row): row for row in rows}.values())
        return Block({**self.values, **given}, kept, self.file, frozenset(given))

    def each_value(self) -> Iterator[tuple[str, ...]]:
        """Yield the overrides of a few runs that together have every value once.

        Of several numbers only the smallest and the largest are tried. With these runs wrong
        settings are refused before the first run trains, quickly even for thousands of runs.
        """
        first = {key: values[0] for key, values in self.values.items()}
        crossed = [
            (key, value) for key, values in self.values.items() for value in _extremes(values)
        ]
        probes = [{**first, **self.rows[0]}]
        probes += [{**first, **self.rows[0], key: value} for key, value in crossed]
        probes += [{**first, **row} for row in self.rows]
        yield from dict.fromkeys(tuple(f"{k}={v}" for k, v in probe.items()) for probe in probes)


@dataclass(frozen=True)
class Sweep:
    """A grid of runs: its name (None for one without a file) and its blocks, joined."""

    name: str | None
    blocks: tuple[Block, ...]

    def check_size(self) -> None:
        """Check that the grid has runs, and not more than can be told apart by hand.

        Raises: UsageError when it has none, or too many.
        """
        size = sum(block.size() for block in self.blocks)
        named = f"sweep {self.name}" if self.name else "this grid"
        if size == 0:
            raise UsageError(f"{named} has no runs")
        if size > MOST_RUNS:
            shown = f"{size:,}" if size < 10**15 else f"about 10^{len(str(size)) - 1}"
            raise UsageError(f"{named} has {shown} runs; a grid has at most {MOST_RUNS:,}")

    def runs(self) -> Iterator[tuple[str, ...]]:
        """Yield the overrides of each run once, block by block."""
        seen: set[frozenset[str]] = set()
        for block in self.blocks:
            for overrides in block.runs():
                if (settings := identity(overrides)) not in seen:
                    seen.add(settings)
                    yield overrides

    def with_recorded_plugins(self) -> Sweep:
        """Return the sweep with its plugins by their digests, so that every run has the same.

        Raises: UsageError for what is no plugin.
        """
        return replace(self, blocks=tuple(_recorded(block) for block in self.blocks))

    def replaced(self, given: Values) -> Sweep:
        """Return the sweep with other values for some settings, or with further ones."""
        return replace(self, blocks=tuple(block.replaced(given) for block in self.blocks))


def _recorded(block: Block) -> Block:
    if PLUGINS not in block.values:
        return block
    return replace(block, values={**block.values, PLUGINS: recorded(block.values[PLUGINS])})


def recorded(plugins: Sequence[str]) -> tuple[str, ...]:
    """Return values of ``plugins`` with the digests of what they name, after these are loaded.

    Raises: UsageError for what is no plugin.
    """
    texts = (written(use(given_plugins([f"{PLUGINS}={text}"]))) for text in plugins)
    return tuple(text.partition("=")[2] for text in texts)


def identity(overrides: Sequence[str]) -> frozenset[str]:
    """Return a key of a run: equal for the same settings in any order, with 4 and 4.0 alike."""
    split = (override.partition("=") for override in overrides)
    return frozenset(f"{key.lstrip('+')}={plain(value)}" for key, _, value in split)


def find(name: str) -> Path:
    """Return the file of ``sweep=NAME``: in ``./sweeps``, among those shipped, or a path to it.

    Raises: UsageError when there is none.
    """
    paths = [folder / f"{name}.yaml" for folder in _folders()] if name else []
    if name.endswith((".yaml", ".yml")):
        paths.append(Path(name))
    for path in paths:
        with suppress(OSError, ValueError):  # a name that no file can have
            if path.is_file():
                return path
            if path.exists():
                raise UsageError(f"'{path}' is not a file")
    known = names()
    hint = " ".join(filter(None, [nearest(name, known), f"sweeps: {', '.join(known)}"]))
    raise UsageError(f"unknown sweep '{name}'", hint)


def read(path: Path) -> Sweep:
    """Return the grid of a sweep file.

    Raises: UsageError when the file, or a block that it names, is not a grid.
    """
    document = sweep_yaml.load(path)
    blocks = document.get("blocks")
    name = path.stem if document.get("name") is None else str(document["name"])
    if not is_name(name):
        raise UsageError(f"{path}: {OF_A_NAME}, got {name!r}")
    if "blocks" not in document:
        return Sweep(name, (Block(grid_values(path, document), file=path),))
    if not isinstance(blocks, list) or not blocks:
        raise UsageError(f"{path}: blocks must be a list of sweep files")
    if others := [key for key in document if key not in ("name", "description", "blocks")]:
        hint = nearest(str(others[0]), ("name", "description", "blocks"))
        named = ", ".join(str(key) if str(key).isprintable() else repr(key) for key in others)
        raise UsageError(f"{path}: a file of blocks has a name and blocks, not {named}", hint)
    return Sweep(name, tuple(_named_block(path, entry) for entry in cast("list[object]", blocks)))


OF_A_NAME = "a name has letters, digits, '_', '-' and '.'"


def is_name(text: str) -> bool:
    """Return whether a grid can have this name, which is the end of its folder's."""
    return bool(re.fullmatch(r"[\w-][\w.-]{0,199}", text))


def names() -> list[str]:
    """Return the names of all sweeps."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.yaml")})


def _folders() -> tuple[Path, ...]:
    """Return the folders that are searched for sweeps, the user's own first."""
    return Path("sweeps"), data_root() / "sweeps"


def _named_block(path: Path, entry: object) -> Block:
    """Return a block of a file of blocks: a sweep file, perhaps with zipped lists."""
    parts: dict[str, Any] = {"sweep": entry} if isinstance(entry, str) else {}
    if isinstance(entry, dict):
        parts = cast("dict[str, Any]", entry)
    if not isinstance(parts.get("sweep"), str) or parts.keys() - {"sweep", "zip"}:
        raise UsageError(f"{path}: a block is a sweep file, or {{sweep: FILE, zip: {{…}}}}")
    file = path.parent / parts["sweep"]
    rows = _rows(path, parts.get("zip", {}))
    block = grid_values(file, sweep_yaml.load(file))
    zipped = {key: tuple(row[key] for row in rows) for key in rows[0]}
    together = with_steps(path, {**block, **zipped})
    return Block({k: v for k, v in together.items() if k not in zipped}, rows, file)


def _rows(path: Path, zipped: object) -> tuple[Mapping[str, str], ...]:
    if zipped == {}:
        return ({},)
    lists = cast("dict[object, object]", zipped) if isinstance(zipped, dict) else {}
    columns = {str(key): _column(path, str(key), values) for key, values in lists.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise UsageError(f"{path}: zip needs lists of one length, such as {{beta: [4, 12]}}")
    return tuple(
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    )


def _column(path: Path, key: str, values: object) -> tuple[str, ...]:
    check_name(path, key)
    return texts_of(path, key, cast("list[object]", values) if isinstance(values, list) else [])


def _extremes(values: Collection[str]) -> list[str]:
    """Return the values to try: of numbers the smallest and the largest, of others all."""
    try:
        return list(dict.fromkeys((min(values, key=float), max(values, key=float))))
    except ValueError:
        return list(values)
