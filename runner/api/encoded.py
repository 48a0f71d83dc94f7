"""The codes of images: what ``encode`` and ``codes`` return, and the files that they are kept in.

Shapes: N images, W columns of a code, V continuous variables, K categories, F factors.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runner.api.isolation import plain_errors
from runner.errors import UsageError
from runner.store.confined import write_atomically

if TYPE_CHECKING:
    from pandas import DataFrame

SUFFIXES = (".npz", ".csv")


@dataclass(frozen=True, eq=False)
class Encoded:
    """The codes of N images; arrays are NumPy's."""

    codes: NDArray[np.float32]
    """(N, W): the mean code, probabilities of categories and then means; ``decode`` takes it."""
    means: NDArray[np.float32]
    """(N, V): means of the continuous variables; of log-normal ones those of the logarithm."""
    scales: NDArray[np.float32] | None
    """(N, V): their standard deviations; None for a deterministic code."""
    classes: Mapping[str, NDArray[np.int64]]
    """Name of a discrete variable → the most probable category of each image, (N,)."""
    probabilities: Mapping[str, NDArray[np.float32]]
    """Name of a discrete variable → the probability of each category, (N, K)."""
    names: tuple[str, ...]
    """The continuous variables, in the order of the columns of ``means``."""
    columns: Mapping[str, slice]
    """Name of a variable → its columns of ``codes``."""
    groups: Mapping[str, Sequence[str]] | None = None
    """Name of a group of the prior → its variables; None for a deterministic code."""
    images: tuple[str, ...] | None = None
    """The names of the images, where they are files."""
    factors: NDArray[np.int64] | None = None
    """(N, F): ground-truth factors, where they are known."""
    factor_names: tuple[str, ...] = ()
    class_factor: str | None = None
    """The factor that is the class."""
    complete: bool = False
    """Whether these are all images of a full factor grid, each once."""

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        variables = ", ".join(self.columns)
        return f"<Encoded: {len(self):,} images, variables {variables}>"

    def frame(self) -> DataFrame:
        """Return a table with a row per image.

        Its columns are ``image``, where the images are files; the factors; a category and its
        probabilities for each discrete variable; a mean and a standard deviation (``z_0_scale``)
        for each continuous one.
        """
        import pandas as pd

        return pd.DataFrame(dict(self._table()))

    def _table(self) -> Iterator[tuple[str, NDArray[Any] | list[str]]]:
        """Yield (name, values) of the columns of the table."""
        if self.images is not None:
            yield "image", list(self.images)
        taken = {"image", *self.columns}
        if self.factors is not None:
            for f, name in enumerate(self.factor_names):
                yield f"factor_{name}" if name in taken else name, self.factors[:, f]
        for name, probabilities_NK in self.probabilities.items():
            yield name, self.classes[name]
            for k in range(probabilities_NK.shape[1]):
                yield f"{name}_{k}", probabilities_NK[:, k]
        for v, name in enumerate(self.names):
            yield name, self.means[:, v]
            if self.scales is not None:
                yield f"{name}_scale", self.scales[:, v]

    @plain_errors()
    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the codes to a file, and return its path.

        An ``.npz`` file is what ``vaerun evaluate --codes`` reads: ``codes`` with the ``variables``
        and ``groups`` of their columns, ``scales``, and ``factors`` where they are known. A
        ``.csv`` file is the table of :meth:`frame`.

        Raises: UsageError for another ending, or a file that is there already, unless
            ``overwrite``; VaerunError where it cannot be written.
        """
        place = Path(path).expanduser()
        refuse_output(place, overwrite=overwrite)
        npz = place.suffix.lower() == ".npz"
        write_atomically(place, self._npz() if npz else self._csv().encode())
        return place

    def _npz(self) -> bytes:
        arrays: dict[str, NDArray[Any]] = {"codes": self.codes}
        arrays["variables"] = np.array(
            [name for name, part in self.columns.items() for _ in range(part.stop - part.start)]
        )
        if self.groups is not None:
            group_of = {v: group for group, names in self.groups.items() for v in names}
            arrays["groups"] = np.array([group_of[name] for name in arrays["variables"].tolist()])
        if self.scales is not None:
            arrays["scales"] = self.scales
        if self.images is not None:
            arrays["images"] = np.array(self.images)
        if self.factors is not None and self.factor_names:
            arrays["factors"] = self.factors
            arrays["factor_names"] = np.array(self.factor_names)
            arrays["complete"] = np.array(self.complete)
            if self.class_factor is not None:
                arrays["class_factor"] = np.array(self.class_factor)
        content = io.BytesIO()
        np.savez(content, **arrays)  # pyright: ignore[reportArgumentType] - arrays by name
        return content.getvalue()

    def _csv(self) -> str:
        table = dict(self._table())
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*(_plain(values) for values in table.values()), strict=True))
        return text.getvalue()


def _plain(values: NDArray[Any] | list[str]) -> list[object]:
    """Return values as a file of text has them; seven digits are those of float32."""
    if isinstance(values, list):
        return [*values]
    if np.issubdtype(values.dtype, np.floating):
        return [f"{value:.7g}" for value in values.tolist()]
    return values.tolist()


def refuse_output(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file of codes that cannot be written, before anything is computed.

    Raises: UsageError.
    """
    if path.suffix.lower() not in SUFFIXES:
        hint = f"its name ends in {' or '.join(SUFFIXES)}"
        raise UsageError(f"'{path}' is not the name of a file of codes", hint)
    refuse_existing(path, overwrite=overwrite)


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Refuse to replace what is there, or to write where there is no folder.

    Raises: UsageError.
    """
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder")
    if not overwrite and (path.exists() or path.is_symlink()):
        raise UsageError(f"'{path}' is there already", "name another file, or delete it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder '{path.absolute().parent}'")
