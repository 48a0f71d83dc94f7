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
from pathlib import Path
from typing import Any, cast

import yaml

from runner.config import data_root
from runner.errors import UsageError, nearest
from runner.files import read_regular

Values = Mapping[str, tuple[str, ...]]
"""The values of each setting, in Hydra's override grammar and in the order of the file."""


_MOST_BYTES = 1 << 20
"""Of a sweep file; one has some hundreds."""


@dataclass(frozen=True)
class Block:
    """Every combination of some values, beside every row of some zipped ones."""

    values: Values
    rows: tuple[Mapping[str, str], ...] = ({},)

    def runs(self) -> Iterator[tuple[str, ...]]:
        """Yield the overrides of each run, the last setting varying fastest."""
        for row in self.rows:
            crossed = {**self.values, **{key: (value,) for key, value in row.items()}}
            for combination in product(*crossed.values()):
                yield tuple(f"{key}={v}" for key, v in zip(crossed, combination, strict=True))

    def replaced(self, given: Values) -> Block:
        """Return the block with other values for some settings."""
        rows = tuple({k: v for k, v in row.items() if k not in given} for row in self.rows)
        return Block({**self.values, **given}, tuple({str(row): row for row in rows}.values()))

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

    def runs(self) -> Iterator[tuple[str, ...]]:
        """Yield the overrides of each run once, block by block."""
        seen: set[frozenset[str]] = set()
        for block in self.blocks:
            for overrides in block.runs():
                if (settings := identity(overrides)) not in seen:
                    seen.add(settings)
                    yield overrides

    def replaced(self, given: Values) -> Sweep:
        """Return the sweep with other values for some settings, or with further ones."""
        return replace(self, blocks=tuple(block.replaced(given) for block in self.blocks))


def identity(overrides: Sequence[str]) -> frozenset[str]:
    """Return a key of a run: equal for the same settings in any order, with 4 and 4.0 alike."""
    return frozenset(_plain(override) for override in overrides)


def find(name: str) -> Path:
    """Return the file of ``sweep=NAME``: in ``./sweeps``, among those shipped, or a path to it.

    Raises: UsageError when there is none.
    """
    paths = [folder / f"{name}.yaml" for folder in _folders()] if name else []
    if name.endswith((".yaml", ".yml")):
        paths.append(Path(name))
    for path in paths:
        if path.is_file():
            return path
    known = names()
    hint = " ".join(filter(None, [nearest(name, known), f"sweeps: {', '.join(known)}"]))
    raise UsageError(f"unknown sweep '{name}'", hint)


def read(path: Path) -> Sweep:
    """Return the grid of a sweep file.

    Raises: UsageError when the file, or a block that it names, is not a grid.
    """
    document = _load(path)
    blocks = document.get("blocks")
    name = str(document.get("name", path.stem))
    if re.search(r"[^\w.-]", name) or name.startswith("."):
        raise UsageError(f"{path}: a name has letters, digits, '_', '-' and '.', got '{name}'")
    if blocks is None:
        return Sweep(name, (_block(path, document),))
    if not isinstance(blocks, list) or not blocks:
        raise UsageError(f"{path}: blocks must be a list of sweep files")
    if others := sorted(document.keys() - {"name", "description", "blocks"}):
        raise UsageError(f"{path}: a file of blocks has a name and blocks, not {', '.join(others)}")
    return Sweep(name, tuple(_named_block(path, entry) for entry in cast("list[object]", blocks)))


def names() -> list[str]:
    """Return the names of all sweeps."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.yaml")})


def _folders() -> tuple[Path, ...]:
    """Return the folders that are searched for sweeps, the user's own first."""
    return Path("sweeps"), data_root() / "sweeps"


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(read_regular(path, _MOST_BYTES).decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is not a sweep file: it has no parameters")
    return cast("dict[str, Any]", document)


def _named_block(path: Path, entry: object) -> Block:
    """Return a block of a file of blocks: a sweep file, perhaps with zipped lists."""
    parts: dict[str, Any] = {"sweep": entry} if isinstance(entry, str) else {}
    if isinstance(entry, dict):
        parts = cast("dict[str, Any]", entry)
    if not isinstance(parts.get("sweep"), str) or parts.keys() - {"sweep", "zip"}:
        raise UsageError(f"{path}: a block is a sweep file, or {{sweep: FILE, zip: {{…}}}}")
    file = path.parent / parts["sweep"]
    block = _block(file, _load(file))
    rows = _rows(path, parts.get("zip", {}))
    zipped = {key for row in rows for key in row}
    return Block({k: v for k, v in block.values.items() if k not in zipped}, rows)


def _rows(path: Path, zipped: object) -> tuple[Mapping[str, str], ...]:
    if zipped == {}:
        return ({},)
    lists = cast("dict[str, Any]", zipped) if isinstance(zipped, dict) else {}
    columns = {str(key): _column(values) for key, values in lists.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise UsageError(f"{path}: zip needs lists of one length, such as {{beta: [4, 12]}}")
    return tuple(
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    )


def _column(values: object) -> list[str]:
    entries = cast("list[object]", values) if isinstance(values, list) else []
    return [written(value) for value in entries]


def _block(path: Path, sweep: Mapping[str, Any]) -> Block:
    if not isinstance(sweep.get("parameters"), dict):
        raise UsageError(f"{path} is not a sweep file: it has no parameters")
    if (method := sweep.get("method", "grid")) != "grid":
        raise UsageError(
            f"{path} asks for method {method}; only grid runs here",
            f"wandb sweep {path} hands it to W&B",
        )
    parameters = cast("dict[object, object]", sweep["parameters"])
    values = {str(key): _values(path, key, entry) for key, entry in parameters.items()}
    # As on the command line, steps win over epochs that an experiment sets.
    if "steps" in values and "epochs" not in values:
        values["epochs"] = ("null",)
    return Block(values)


def _values(path: Path, key: object, entry: object) -> tuple[str, ...]:
    """Return a parameter's values, as a grid of W&B's has them: listed, or a range of integers."""
    parameter = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    if {"min", "max"} <= parameter.keys():
        first, last = parameter["min"], parameter["max"]
        integers = type(first) is int and type(last) is int and first <= last
        if not integers or parameter.get("distribution", "int_uniform") != "int_uniform":
            raise UsageError(f"{path}: in a grid the range of parameter {key} must be of integers")
        return tuple(str(number) for number in range(first, last + 1))
    if not {"value", "values"} & parameter.keys():
        raise UsageError(f"{path}: parameter {key} needs value, values, or integers min and max")
    values = parameter.get("values", [parameter.get("value")])
    if not isinstance(values, list) or not values:
        raise UsageError(f"{path}: the values of parameter {key} must be a list of some")
    return tuple(written(value) for value in cast("list[object]", values))


def written(value: object) -> str:
    """Return a YAML value in Hydra's override grammar, of the type that it has in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(written(entry) for entry in cast('list[object]', value))}]"
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value).items()
        return f"{{{','.join(f'{key}:{written(entry)}' for key, entry in entries)}}}"
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text)
    if plain and text.lower() not in {"true", "false", "null", "nan", "inf"}:
        return text
    # Hydra takes a backslash as such, except in front of a quote or at the end.
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + m[2].replace("'", "\\'"), text) + "'"


def _extremes(values: Collection[str]) -> list[str]:
    """Return the values to try: of numbers the smallest and the largest, of others all."""
    try:
        return list(dict.fromkeys((min(values, key=float), max(values, key=float))))
    except ValueError:
        return list(values)


def _plain(override: str) -> str:
    key, _, value = override.partition("=")
    with suppress(ValueError):
        value = repr(float(value))
    return f"{key.lstrip('+')}={value}"
