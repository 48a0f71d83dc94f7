"""The networks of several runs, layer by layer: a batch of matrix products where a run has one.

Shapes: R runs, B images; what follows is that of a layer's input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from runner.model import VAE
from runner.model.tied_linear import TiedLinear
from runner.training.packed.linear import linear

Tensors = Mapping[str, Tensor]


def has_layers(model: VAE) -> bool:
    """Return whether :func:`through` can compute both networks, and the rest is of each image.

    That is a sequence of layers which do not share tensors, and a posterior and a likelihood
    without numbers of their own, so that sampling and decoding are the same computation for every
    image of every run.
    """
    parts = (model.likelihood, model.latents.continuous)
    modules = [part for part in parts if isinstance(part, nn.Module)]
    if any(True for part in modules for _ in (*part.parameters(), *part.buffers())):
        return False
    networks = (model.encoder, model.decoder)
    return all(isinstance(network, nn.Sequential) for network in networks) and not any(
        isinstance(layer, TiedLinear) for network in networks for layer in network.modules()
    )


def through(
    network: nn.Module, tensors: Tensors, prefix: str, input_RB: Tensor, *, grouped: bool
) -> Tensor:
    """Return the output of a sequence of layers for the inputs of every run, (R, B, …).

    Args:
        network: the layers, without numbers of their own.
        tensors: stacked ones by name, those of the network below ``prefix``.
        prefix: the name of the network in the model.
        input_RB: the inputs of the first layer.
        grouped: whether layers other than linear ones are called once for all runs, by which
            convolutions become convolutions in groups; else once for each.
    """
    value = input_RB
    for name, layer in network.named_children():
        start = f"{prefix}.{name}."
        own = {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
        if not own:
            value = layer(value.flatten(0, 1)).unflatten(0, value.shape[:2])
        elif isinstance(layer, nn.Linear):
            value = linear(value, own["weight"], own.get("bias"))
        elif grouped:
            value = vmap(partial(functional_call, layer))(own, value)
        else:
            value = _one_by_one(layer, own, value)
    return value


def _one_by_one(layer: nn.Module, own: Tensors, value: Tensor) -> Tensor:
    """Return the outputs from a call for each run."""
    runs = zip(*(tensor.unbind() for tensor in own.values()), strict=True)
    outputs = [
        functional_call(layer, dict(zip(own, run, strict=True)), (part,))
        for run, part in zip(runs, value.unbind(), strict=True)
    ]
    return torch.stack(outputs)
