"""Adam beside torch's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from runner.training import adam


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def _learn(network: nn.Sequential, optimizer: adam.Adam | torch.optim.Adam, steps: int) -> None:
    for step in range(steps):
        optimizer.zero_grad()
        x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
        network(x).pow(2).sum().backward()
        optimizer.step()


def test_fused_step_has_the_bits_of_torchs_own() -> None:
    ours, theirs = _network(), _network()
    _learn(ours, adam.Adam(ours.parameters(), 0.01, (0.5, 0.9)), 20)
    _learn(theirs, torch.optim.Adam(theirs.parameters(), 0.01, (0.5, 0.9), fused=True), 20)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_formula_agrees_with_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adam, "_FUSED", ())
    ours, theirs = _network().double(), _network().double()
    torch.set_default_dtype(torch.float64)
    try:
        _learn(ours, adam.Adam(ours.parameters(), 0.01), 20)
        _learn(theirs, torch.optim.Adam(theirs.parameters(), 0.01), 20)
    finally:
        torch.set_default_dtype(torch.float32)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-9)


def test_parameters_without_a_gradient_have_no_state_and_do_not_move() -> None:
    network = _network()
    optimizer = adam.Adam(network.parameters(), 0.01)
    before = network[2].bias.detach().clone()
    network[0](torch.ones(1, 5)).sum().backward()
    optimizer.step()
    assert set(optimizer.state) == set(network[0].parameters())
    assert torch.equal(network[2].bias, before)


def test_counts_of_steps_go_on_where_other_parameters_have_gradients() -> None:
    ours, theirs = _network(), _network()
    pairs = (
        (ours, adam.Adam(ours.parameters(), 0.01)),
        (theirs, torch.optim.Adam(theirs.parameters(), 0.01, fused=True)),
    )
    for network, optimizer in pairs:
        _learn(network, optimizer, 2)
        for parts in (network[:1], network, network[:1]):
            optimizer.zero_grad()
            parts(torch.ones(2, 5)).pow(2).sum().backward()
            optimizer.step()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other), name
        assert pairs[0][1].state[mine]["step"] == pairs[1][1].state[other]["step"]


def test_a_step_does_not_import_the_compiler() -> None:
    code = (
        "import sys, torch; from runner.training.adam import Adam;"
        "p = torch.nn.Parameter(torch.ones(2)); a = Adam([p], 0.1); p.sum().backward(); a.step();"
        "print('torch._dynamo' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
