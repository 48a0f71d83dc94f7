"""The tensors of a checkpoint, checked before any of them is taken up.

A checkpoint may be of another model, or made by anyone. PyTorch alone would change the type of a
number, repeat a row to fill a larger tensor, or train on from what is not a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from runner.errors import DataError, UsageError

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam keeps of a parameter, once it has been trained."""

Tensors = Mapping[str, Mapping[str, Tensor]]
"""Name of a file (``model``, ``optimizer``) → name of a tensor → tensor."""


def check_network(tensors: Tensors, prefix: str, network: nn.Module, step: int) -> None:
    """Check the parameters of a network, and what its optimizer keeps of them.

    Args:
        tensors: those of a checkpoint.
        prefix: of the names of the network's files, such as ``discriminator_``.
        network: the network that takes them up.
        step: of the checkpoint; after the first the optimizer has moments.

    Raises:
        UsageError: they are of another network.
        DataError: one is not a finite number.
    """
    check_parameters(tensors, f"{prefix}model", network)
    _check_optimizer(tensors, f"{prefix}optimizer", dict(network.named_parameters()), step)


def check_parameters(tensors: Tensors, file: str, network: nn.Module) -> None:
    """Check the parameters of a network, which are those of a file of a checkpoint.

    Raises: UsageError and DataError as :func:`check_network`.
    """
    _check_kinds(tensors, file, network.state_dict())
    for name, value in tensors[file].items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise _not_finite(file, name)


def check_bank(tensors: Tensors, encodings_KP: Tensor, images_K: Tensor) -> None:
    """Check the encodings that a memory bank keeps, and the images that they are of.

    Raises: UsageError and DataError as :func:`check_network`.
    """
    _check_kinds(tensors, "bank", {"encodings": encodings_KP, "images": images_K})
    if not bool(tensors["bank"]["encodings"].isfinite().all()):
        raise _not_finite("bank", "encodings")


def _check_optimizer(
    tensors: Tensors, file: str, parameters: Mapping[str, Tensor], step: int
) -> None:
    count = torch.zeros((), dtype=torch.float32)
    given = _names(tensors, file)
    wanted = {
        f"{name}/{moment}": count if moment == "step" else parameter
        for name, parameter in parameters.items()
        if any(f"{name}/{moment}" in given for moment in _MOMENTS)  # others get no gradient
        for moment in _MOMENTS
    }
    if step > 0 and not wanted:
        raise _of_another_model(f"'{file}' is empty")
    _check_kinds(tensors, file, wanted)
    for name, value in tensors[file].items():
        if name.endswith("/exp_avg"):
            if not bool(value.isfinite().all()):
                raise _not_finite(file, name)
        elif not bool((value >= 0).all()):  # a square may have become infinite
            raise DataError(
                f"the checkpoint is corrupt: '{name}' in '{file}' is below zero, or not a number"
            )


def _check_kinds(tensors: Tensors, file: str, wanted: Mapping[str, Tensor]) -> None:
    """Check that a file has the tensors that are wanted, of their shapes and types, alone."""
    given = _names(tensors, file)
    for name in wanted:
        if name not in given:
            raise _of_another_model(f"'{file}' has no '{name}'")
    for name, tensor in tensors[file].items():
        if name not in wanted:
            raise _of_another_model(f"'{file}' also has '{name}'")
        for what, got, expected in (
            ("shape", _shape(tensor), _shape(wanted[name])),
            ("type", _type(tensor), _type(wanted[name])),
        ):
            if got != expected:
                raise _of_another_model(f"'{name}' in '{file}' has {what} {got}, not {expected}")


def _names(tensors: Tensors, file: str) -> Iterable[str]:
    if file not in tensors:
        raise _of_another_model(f"it has no '{file}'")
    return tensors[file].keys()


def _of_another_model(detail: str) -> UsageError:
    return UsageError(f"the checkpoint belongs to another model than config.yaml: {detail}")


def _not_finite(file: str, name: str) -> DataError:
    return DataError(f"the checkpoint is corrupt: '{name}' in '{file}' is not finite")


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "()"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
