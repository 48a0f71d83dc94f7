"""Codes computed by another program, in a NumPy file.

Shapes: N images, D dimensions of a code, F factors.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from runner.errors import DataError, UsageError, nearest
from runner.files import open_to_read
from runner.metric import Codes, Variable

_ARRAYS = ("codes", "factors")
_OPTIONAL = {
    "factor_names": 1, "class_factor": 0, "complete": 0, "variables": 1, "groups": 1,
    "scales": 2, "images": 1,
}  # fmt: skip
"""Names of other arrays that a file may hold, and their numbers of dimensions."""

_UNREADABLE = (
    ValueError, BadZipFile, EOFError, zlib.error, TokenError, SyntaxError, RecursionError,
    RuntimeError, NotImplementedError,
)  # fmt: skip
"""What NumPy and zipfile raise for a damaged file; the last two, where it is encrypted, and where
it is packed by a method that Python lacks."""


@dataclass(frozen=True, eq=False)
class CodesFile:
    """The content of a file of codes."""

    codes: Codes
    class_factor: str | None
    """The factor for scores of a single factor; None where no factors are given."""
    sha256: str
    """Digest of the file, which is stored with its scores."""


def read_codes(path: Path, factor_bins: int | None = None) -> CodesFile:
    """Return the content of an ``.npz`` file, as ``numpy.savez`` writes it.

    It holds ``codes``, (N, D), and optionally ``factors``, (N, F), whole numbers, or with
    ``factor_bins`` any numbers (see ``Codes.of``), without which only the scores that need none are
    defined; ``factor_names``, F strings, ``class_factor``, one of them
    (default: the first that varies), and ``complete``, true where the images are a full factor grid
    and not a sample (default: whether every combination of values occurs once); ``variables``, D
    strings, the variable that each column belongs to: neighbouring columns of one are a discrete
    variable (default: each column is a variable); ``groups``, D strings, the group that each column
    belongs to (default: each variable is a group). ``scales`` and ``images``, which
    ``vaerun encode`` writes, are for other readers.

    Raises:
        DataError: there is no such file, or it is not one of NumPy's.
        UsageError: its content is not as described, or cannot be evaluated.
    """
    arrays, sha256 = _arrays(path)
    for name in arrays:
        if name not in (*_ARRAYS, *_OPTIONAL):
            hint = nearest(name, (*_ARRAYS, *_OPTIONAL)) or f"it may hold {', '.join(_OPTIONAL)}"
            raise UsageError(f"'{path}' has an array '{name}' that means nothing", hint)
    if "codes" not in arrays:
        made = "np.savez('codes.npz', codes=…, factors=…)"
        raise UsageError(f"'{path}' has no array 'codes'", f"it is made by {made}")
    for name, dimensions in _OPTIONAL.items():
        if name in arrays and arrays[name].ndim != dimensions:
            what = "a list" if dimensions else "a single value"
            raise UsageError(f"{name} in '{path}' must be {what}, not {arrays[name].ndim}-d")
    names = [str(name) for name in arrays["factor_names"]] if "factor_names" in arrays else None
    given = arrays.get("complete")
    factors = arrays.get("factors", np.zeros((len(np.atleast_1d(arrays["codes"])), 0), np.int64))
    variables = _variables(path, arrays)
    codes = Codes.of(
        arrays["codes"],
        factors,
        factor_names=names,
        variables=variables,
        groups=_groups(path, arrays, variables),
        factor_bins=factor_bins,
        complete=bool(given) if given is not None else _is_grid(factors),
    )
    factor = _class_factor(codes, arrays)
    return CodesFile(codes, factor, sha256)


def _names_of_columns(path: Path, arrays: Mapping[str, NDArray[Any]], array: str) -> list[str]:
    """Return the text that an array has for each column of the codes.

    Raises: UsageError where there is not one for each.
    """
    names = [str(name) for name in arrays[array]]
    width = arrays["codes"].shape[1] if arrays["codes"].ndim == 2 else 1
    if len(names) != width:
        raise UsageError(f"{array} in '{path}' has {len(names)} names for {width} columns")
    return names


def _groups(
    path: Path, arrays: Mapping[str, NDArray[Any]], variables: Sequence[Variable] | None
) -> dict[str, list[str]] | None:
    """Return the names of the variables of each group, or None where the file does not say.

    Raises: UsageError where there is not one name for each column, or a variable has two.
    """
    if "groups" not in arrays:
        return None
    names = _names_of_columns(path, arrays, "groups")
    found: dict[str, list[str]] = {}
    for variable in variables or [Variable(f"z_{d}", slice(d, d + 1)) for d in range(len(names))]:
        of_columns = set(names[variable.columns])
        if len(of_columns) > 1:
            raise UsageError(f"groups in '{path}' splits the variable '{variable.name}'")
        found.setdefault(of_columns.pop(), []).append(variable.name)
    return found


def _variables(path: Path, arrays: Mapping[str, NDArray[Any]]) -> list[Variable] | None:
    """Return the variables of the columns, or None where the file does not say.

    Raises: UsageError where there is not one name for each column, or one comes twice.
    """
    if "variables" not in arrays:
        return None
    names = _names_of_columns(path, arrays, "variables")
    found: list[Variable] = []
    for name, block in groupby(range(len(names)), lambda column: names[column]):
        columns = list(block)
        found.append(Variable(name, slice(columns[0], columns[-1] + 1)))
    if len({variable.name for variable in found}) < len(found):
        raise UsageError(f"variables in '{path}' names two that do not stand together alike")
    return found


def _class_factor(codes: Codes, arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the factor that is the class, or None where no factors are given.

    Raises: UsageError when it does not vary, or there is none of that name.
    """
    if not codes.factor_names and "class_factor" not in arrays:
        return None
    factor = str(arrays["class_factor"]) if "class_factor" in arrays else codes.factor_names[0]
    if factor not in codes.factor_names:
        hint = nearest(factor, codes.factor_names) or f"factors: {', '.join(codes.factor_names)}"
        raise UsageError(f"there is no factor '{factor}' that varies", hint)
    return factor


def _arrays(path: Path) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays of a file by name, and the digest of the file."""
    try:
        # Opened here, since NumPy does not close a file that is not one of its own.
        with open_to_read(path) as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                hint = "codes and factors belong in one .npz file"
                raise UsageError(f"'{path}' holds a single array", hint)
            arrays = {name: np.asarray(found[name]) for name in found.files}
            file.seek(0)
            return arrays, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror or 'no NumPy file'})") from error
    except MemoryError as error:
        raise DataError(f"'{path}' does not fit into the memory of this machine") from error
    except _UNREADABLE as error:
        reason = "it holds Python objects" if "Object arrays" in str(error) else "no NumPy file"
        raise DataError(f"'{path}' cannot be read ({reason})", "numpy.savez writes it") from error


def _is_grid(factors: NDArray[Any]) -> bool:
    """Return whether every combination of the factors' values occurs exactly once."""
    table = factors[:, None] if factors.ndim == 1 else factors
    if table.ndim != 2:
        return False
    sizes = [len(np.unique(column)) for column in table.T]
    return len(table) == np.prod(sizes) == len(np.unique(table, axis=0))
