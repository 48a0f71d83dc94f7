"""Parameters of one model as the start of another: fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from runner.config import PARTS
from runner.errors import DataError, UsageError
from runner.model import VAE

_PREFIXES = {
    "encoder": "encoder.",
    "decoder": "decoder.",
    "prior": "latents.",
    "likelihood": "likelihood.",
}
"""Part of a model → how the names of its parameters begin."""

_MOST_SHOWN = 2


def take_over(model: VAE, given: Mapping[str, Tensor], only: Sequence[str], name: str) -> None:
    """Replace parameters of a model by those of another one, of some parts or of all.

    Args:
        model: is changed, unless an error is raised.
        given: all parameters of the other model, by name.
        only: parts of the model; empty: all of them.
        name: what messages call the other model.

    Raises: UsageError naming the parameters that do not fit; DataError when one is not a finite
        number.
    """
    parts = list(only) or list(PARTS)
    own = model.state_dict()
    taken = _of_parts(given, parts)
    if found := _misfits(_of_parts(own, parts), taken):
        fitting = [part for part in PARTS if _fits(own, given, part)]
        hint = f"init.only=[{','.join(fitting)}] takes over what fits" if fitting else (
            "no part of it fits: architecture=… and prior=… as it has them"
        )  # fmt: skip
        more = f"; and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        raise UsageError(f"{name} does not fit: {'; '.join(found[:_MOST_SHOWN])}{more}", hint)
    if not taken:
        raise UsageError(f"{name}: there are no parameters of {' and '.join(parts)} to take over")
    for key, tensor in taken.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DataError(f"{name} is corrupt: '{key}' is not finite")
    model.load_state_dict({**own, **taken})


def _of_parts(parameters: Mapping[str, Tensor], parts: Sequence[str]) -> dict[str, Tensor]:
    prefixes = tuple(_PREFIXES[part] for part in parts)
    return {name: tensor for name, tensor in parameters.items() if name.startswith(prefixes)}


def _fits(own: Mapping[str, Tensor], given: Mapping[str, Tensor], part: str) -> bool:
    wanted = _of_parts(own, [part])
    return bool(wanted) and not _misfits(wanted, _of_parts(given, [part]))


def _misfits(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """Return what does not fit, a phrase for each parameter."""
    missing = [f"it has no {name}" for name in own if name not in given]
    extra = [f"it has {name}, which this model has not" for name in given if name not in own]
    shapes = [
        f"{name} is {_shown(given[name])} there and {_shown(tensor)} here"
        for name, tensor in own.items()
        if name in given and _shown(given[name]) != _shown(tensor)
    ]
    return [*shapes, *missing, *extra]


def _shown(tensor: Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    shape = "x".join(map(str, tensor.shape)) or "a number"
    return shape if kind == "float32" else f"{shape} of {kind}"
