"""Images in which one variable of a code changes and the others stay.

Shapes: T steps, W columns of z, C H W image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runner.api.images import GivenImages
from runner.api.model_use import as_pictures, decoded
from runner.errors import UsageError, nearest
from runner.evaluation.traversal_rows import own_values
from runner.runs.load import OpenedModel
from runner.training import prepare

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Traversal:
    """The images of one image's code as one of its variables takes several values."""

    variable: str
    values: NDArray[np.float32]
    """(T,): the values of the variable; of a discrete one the numbers of its categories."""
    images: NDArray[np.float32]
    """(T, H, W), or (T, H, W, 3): the expected images, from 0 to 1."""
    is_discrete: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<Traversal of {self.variable}: {len(self)} images>"


def traverse(
    opened: OpenedModel, given: GivenImages, variable: str | int, values: ArrayLike | None
) -> Traversal:
    """Return the traversal of a variable; see :meth:`runner.api.run.Run.traverse`.

    Raises: UsageError where there is no such variable, or a value that it cannot have.
    """
    name = variable_of(opened, variable)
    start = start_of(opened, given)
    discrete = name in opened.representation.category_values
    if discrete:
        found = _categories(opened, name, values)
    else:
        found = usual_values(opened, name, start) if values is None else _numbers(values)
    z_TW = moved(opened, start, name, found)
    return Traversal(name, found, as_pictures(decoded(opened, z_TW)), discrete)


def variable_of(opened: OpenedModel, variable: str | int) -> str:
    """Return the name of a variable, which may be given by its number.

    Raises: UsageError where there is none.
    """
    names = list(opened.representation.columns)
    if isinstance(variable, int) and not isinstance(variable, bool):
        if -len(names) <= variable < len(names):
            return names[variable]
    elif variable in names:
        return variable
    hint = nearest(str(variable), names) or f"variables: {', '.join(names)}"
    raise UsageError(f"the model has no variable {variable!r}", hint)


@dataclass(frozen=True)
class Start:
    """The image that a traversal starts from."""

    parameters_1P: Tensor
    code_W: Tensor
    """With the most probable values of discrete variables; on the CPU."""


@torch.no_grad()
def start_of(opened: OpenedModel, given: GivenImages) -> Start:
    """Return one image as the model sees it.

    Raises: UsageError for more than one image.
    """
    if given.count != 1:
        raise UsageError(f"a traversal starts from one image, and there are {given.count:,}")
    prepare(opened.device)
    parameters_1P = opened.of_inputs.encode(given.batch(slice(0, 1)).to(opened.device))
    return Start(parameters_1P, opened.representation.code_given(parameters_1P)[0].cpu())


def usual_values(opened: OpenedModel, name: str, start: Start) -> NDArray[np.float32]:
    """Return the values that a continuous variable takes where none are given.

    They lie within ``evaluation.traversal_range`` standard deviations of the prior around zero,
    as in the figures of the run; of a deterministic code, so far around the image's own. A variable
    that has few values takes all of these, up to ``evaluation.traversal_steps``.
    """
    settings = opened.config.evaluation
    if name in opened.representation.values:
        return np.array(own_values(opened.representation, name, settings), np.float32)
    reach = np.linspace(-settings.traversal_range, settings.traversal_range,
                        settings.traversal_steps)  # fmt: skip
    latents = opened.representation.latents
    if latents is not None:
        return (reach * latents.prior_std[name]).astype(np.float32)
    own = float(start.code_W[opened.representation.columns[name]])
    return (own + reach).astype(np.float32)


@torch.no_grad()
def moved(opened: OpenedModel, start: Start, name: str, values_T: NDArray[np.float32]) -> Tensor:
    """Return the code with a variable at each of some values, (T, W).

    Where the posterior is conditional, the continuous variables follow a discrete one.
    """
    model = opened.representation
    if name in model.category_values:
        given, of_category = start.parameters_1P, model.code_given
        codes = [of_category(given, {name: int(value)}) for value in values_T]
        return torch.cat(codes).cpu()
    z_TW = start.code_W.repeat(len(values_T), 1)
    z_TW[:, model.columns[name]] = torch.from_numpy(values_T.copy()).to(z_TW)[:, None]
    return z_TW


def _numbers(values: ArrayLike) -> NDArray[np.float32]:
    try:
        found = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError("the values of a traversal must be numbers") from error
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise UsageError(f"the values of a traversal must be a list of numbers, got {values!r:.60}")
    return found


def _categories(opened: OpenedModel, name: str, values: ArrayLike | None) -> NDArray[np.float32]:
    count = len(opened.representation.category_values[name])
    found = np.arange(count, dtype=np.float32) if values is None else _numbers(values)
    if not np.isin(found, np.arange(count)).all():
        raise UsageError(f"{name} has the categories 0 to {count - 1}, got {values!r:.60}")
    return found
