"""The discriminator: its layers, and that it can learn a density ratio."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from runner.model.discriminator import build_discriminator


@pytest.mark.parametrize(
    ("width", "widths", "parameters"),
    [(10, [1000] * 6, 11_000 + 5 * 1_001_000 + 2002), (3, [5], 20 + 12), (4, [], 10)],
)
def test_layers_are_those_asked_for(width: int, widths: list[int], parameters: int):
    network = build_discriminator(width, widths)
    assert sum(p.numel() for p in network.parameters()) == parameters
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in linear] == [*widths, 2]
    assert network(torch.zeros(7, width)).shape == (7, 2)


def test_the_network_is_the_formula():
    """Affine, leaky ReLU of slope 0.2, affine."""
    network = build_discriminator(3, [5]).double()
    first_w, first_b, last_w, last_b = network.parameters()
    z_BW = torch.randn(6, 3, dtype=torch.float64)
    hidden = z_BW @ first_w.T + first_b
    expected = torch.where(hidden > 0, hidden, 0.2 * hidden) @ last_w.T + last_b
    torch.testing.assert_close(network(z_BW), expected)


def test_it_learns_the_total_correlation_of_a_gaussian():
    source = torch.Generator().manual_seed(0)
    correlation = 0.8
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_discriminator(2, [32, 32])
    adam = torch.optim.Adam(network.parameters(), lr=5e-3, betas=(0.5, 0.9))
    classes_B = torch.arange(2).repeat_interleave(256)

    def joint(samples: int) -> torch.Tensor:
        z_BV = torch.randn(samples, 2, generator=source)
        other_B = correlation * z_BV[:, 0] + math.sqrt(1 - correlation**2) * z_BV[:, 1]
        return torch.stack([z_BV[:, 0], other_B], dim=1)

    for _ in range(300):
        alone_BV = torch.randn(256, 2, generator=source)
        loss = nn.functional.cross_entropy(network(torch.cat([joint(256), alone_BV])), classes_B)
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        logits_B2 = network(joint(20_000))
    learned = float((logits_B2[:, 0] - logits_B2[:, 1]).mean())
    assert learned == pytest.approx(-0.5 * math.log(1 - correlation**2), abs=0.12)
