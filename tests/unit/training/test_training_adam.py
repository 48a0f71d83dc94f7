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


def _decaying(network: nn.Sequential) -> adam.Adam:
    matrices = [p for p in network.parameters() if p.dim() > 1]
    return adam.Adam(network.parameters(), 0.01, weight_decay=0.3, decayed=matrices)


def _torchs(network: nn.Sequential, *, fused: bool) -> torch.optim.AdamW:
    kinds = (
        [p for p in network.parameters() if (p.dim() > 1) is decays] for decays in (True, False)
    )
    matrices, vectors = kinds
    groups = [{"params": matrices, "weight_decay": 0.3}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, 0.01, fused=fused)


# The formula counts steps in float32, on devices where float64 is slow or missing.
@pytest.mark.parametrize(("call", "off"), [("fused", 1e-10), ("formula", 1e-7)])
def test_weight_decay_is_torchs_own(monkeypatch: pytest.MonkeyPatch, call: str, off: float) -> None:
    if call == "formula":
        monkeypatch.setattr(adam, "_FUSED", ())
    torch.set_default_dtype(torch.float64)
    try:
        ours, theirs, without = _network(), _network(), _network()
        _learn(ours, _decaying(ours), 20)
        _learn(theirs, _torchs(theirs, fused=call == "fused"), 20)
        _learn(without, adam.Adam(without.parameters(), 0.01), 20)
    finally:
        torch.set_default_dtype(torch.float32)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=off, atol=off)
    assert not torch.allclose(ours[0].weight, without[0].weight)


def test_decays_of_several_runs_are_their_own() -> None:
    together, alone = [_network(), _network()], [_network(), _network()]
    pairs = [(_decaying(one), adam.Adam(two.parameters(), 0.01)) for one, two in (together, alone)]
    for step in range(3):
        for networks, optimizers in zip((together, alone), pairs, strict=True):
            for network, optimizer in zip(networks, optimizers, strict=True):
                optimizer.zero_grad()
                x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
                network(x).pow(2).sum().backward()
        adam.step_together(pairs[0])
        for optimizer in pairs[1]:
            optimizer.step()
    for one, other in zip(together, alone, strict=True):
        pairs_of_parameters = zip(one.parameters(), other.parameters(), strict=True)
        assert all(torch.equal(mine, its) for mine, its in pairs_of_parameters)


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
