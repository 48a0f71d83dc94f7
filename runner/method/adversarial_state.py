"""What several optimizers keep of the parameters of one network, as a checkpoint has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from runner.training.adam import Adam
from runner.training.state import laid_out_as


def moments(network: nn.Module, optimizers: Iterable[Adam]) -> dict[str, Tensor]:
    """Return the moments of all parameters that have been trained, ``name/moment``, on the CPU."""
    kept = {parameter: part for adam in optimizers for parameter, part in adam.state.items()}
    return {
        f"{name}/{key}": value.detach().cpu().clone()
        for name, parameter in network.named_parameters()
        for key, value in kept.get(parameter, {}).items()
    }


def take_moments(
    network: nn.Module, optimizers: Iterable[Adam], tensors: Mapping[str, Tensor]
) -> None:
    """Give each optimizer the moments of its own parameters of the network."""
    for adam in optimizers:
        trained = set(adam.parameters)
        for name, parameter in network.named_parameters():
            if parameter not in trained:
                continue
            start = f"{name}/"
            adam.state[parameter] = {
                key.removeprefix(start): laid_out_as(parameter, value)
                for key, value in tensors.items()
                if key.startswith(start)
            }
