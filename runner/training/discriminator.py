"""The network behind FactorVAE's estimate of the total correlation, and how it learns.

Shapes: B images, W columns of z, V variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from runner.config import DiscriminatorConfig
from runner.model import build_discriminator
from runner.objective import density_ratio
from runner.training.adam import Adam

_BETAS = (0.5, 0.9)
"""Of the discriminator's Adam (Kim & Mnih 2018)."""


@dataclass
class Discriminator:
    """A discriminator between q(z) and the product of its marginals, with its own optimizer."""

    network: nn.Sequential
    optimizer: Adam

    @classmethod
    def fresh(
        cls, config: DiscriminatorConfig, width: int, seed: int, device: torch.device
    ) -> Discriminator:
        """Return a discriminator with the parameters of a seed, drawn on the CPU."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = build_discriminator(width, config.widths).to(device)
        return cls(network, Adam(network.parameters(), config.learning_rate, _BETAS))

    def total_correlation(self, z_BW: Tensor) -> Tensor:
        """Return the estimate for these samples; no gradient reaches the discriminator."""
        frozen = {name: p.detach() for name, p in self.network.named_parameters()}
        return density_ratio.total_correlation(functional_call(self.network, frozen, (z_BW,)))

    def learn(
        self, z_BW: Tensor, other_BW: Tensor, columns: Sequence[slice], noise_BV: Tensor
    ) -> Tensor:
        """Take a step on a minibatch and on another with permuted variables; return the loss.

        The samples are detached: the encoder never sees this loss.
        """
        permuted_BW = density_ratio.permuted(other_BW.detach(), columns, noise_BV)
        loss = density_ratio.discriminator_loss(
            self.network(z_BW.detach()), self.network(permuted_BW)
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()
