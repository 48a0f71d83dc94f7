"""Codes computed by another program, in a NumPy file.

Shapes: N images, D dimensions of a code, F factors.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from runner.errors import DataError, UsageError, nearest
from runner.metric import Codes

_NEEDED = ("codes", "factors")
_OPTIONAL = ("factor_names", "class_factor", "complete")


@dataclass(frozen=True, eq=False)
class CodesFile:
    """The content of a file of codes."""

    codes: Codes
    class_factor: str
    """The factor for scores of a single factor."""
    sha256: str
    """Digest of the file, which is stored with its scores."""


def read_codes(path: Path) -> CodesFile:
    """Return the content of an ``.npz`` file, as ``numpy.savez`` writes it.

    It holds ``codes``, (N, D), and ``factors``, (N, F), integers; and optionally ``factor_names``,
    F strings, ``class_factor``, one of them (default: the first that varies), and ``complete``,
    true where the images are a full factor grid and not a sample (default: whether every
    combination of values occurs once).

    Raises:
        DataError: there is no such file, or it is not one of NumPy's.
        UsageError: its content is not as described, or cannot be evaluated.
    """
    arrays = _arrays(path)
    for name in arrays:
        if name not in (*_NEEDED, *_OPTIONAL):
            hint = nearest(name, (*_NEEDED, *_OPTIONAL)) or f"it may hold {', '.join(_OPTIONAL)}"
            raise UsageError(f"'{path}' has an array '{name}' that means nothing", hint)
    for name in _NEEDED:
        if name not in arrays:
            made = "np.savez('codes.npz', codes=…, factors=…)"
            raise UsageError(f"'{path}' has no array '{name}'", f"it is made by {made}")
    names = [str(name) for name in arrays["factor_names"]] if "factor_names" in arrays else None
    given = arrays.get("complete")
    codes = Codes.of(
        arrays["codes"],
        arrays["factors"],
        factor_names=names,
        complete=bool(given) if given is not None else _is_grid(arrays["factors"]),
    )
    factor = str(arrays["class_factor"]) if "class_factor" in arrays else codes.factor_names[0]
    if factor not in codes.factor_names:
        hint = nearest(factor, codes.factor_names) or f"factors: {', '.join(codes.factor_names)}"
        raise UsageError(f"there is no factor '{factor}' that varies", hint)
    return CodesFile(codes, factor, hashlib.sha256(path.read_bytes()).hexdigest())


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # Opened here, since NumPy does not close a file that is not one of its own.
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                hint = "codes and factors belong in one .npz file"
                raise UsageError(f"'{path}' holds a single array", hint)
            return {name: found[name] for name in found.files}
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror or 'no NumPy file'})") from error
    except (ValueError, BadZipFile, EOFError) as error:
        reason = "it holds Python objects" if "Object arrays" in str(error) else "no NumPy file"
        raise DataError(f"'{path}' cannot be read ({reason})", "numpy.savez writes it") from error


def _is_grid(factors: NDArray[Any]) -> bool:
    """Return whether every combination of the factors' values occurs exactly once."""
    table = factors[:, None] if factors.ndim == 1 else factors
    if table.ndim != 2:
        return False
    sizes = [len(np.unique(column)) for column in table.T]
    return len(table) == np.prod(sizes) == len(np.unique(table, axis=0))
