"""Layers of several runs give the outputs and gradients of each run's own network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.model import build
from runner.training.packed import best_form, is_faster
from runner.training.packed.clipping import clip
from runner.training.packed.linear import linear
from runner.training.packed.networks import has_layers, through

RUNS, IMAGES = 3, 5


def network() -> nn.Sequential:
    layers = (
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 6, bias=False),
        nn.Softplus(), nn.Linear(6, 4), nn.Unflatten(1, (1, 2, 2)),
    )  # fmt: skip
    return nn.Sequential(*layers).double()


@pytest.mark.parametrize("grouped", [False, True])
def test_layers_are_those_of_each_run(*, grouped: bool):
    torch.manual_seed(0)
    networks = [network() for _ in range(RUNS)]
    inputs = torch.randn(RUNS, IMAGES, 1, 4, 4, dtype=torch.float64)
    states = [n.state_dict(keep_vars=True) for n in networks]
    stacked = {f"net.{k}": torch.stack([s[k].detach() for s in states]) for k in states[0]}
    learned = [f"net.{name}" for name, _ in networks[0].named_parameters()]
    for name in learned:
        stacked[name].requires_grad_()
    output = through(networks[0], stacked, "net", inputs, grouped=grouped)
    gradients = torch.autograd.grad(output.square().sum(), [stacked[name] for name in learned])
    for r, (one, given) in enumerate(zip(networks, inputs, strict=True)):
        expected = one(given)
        torch.testing.assert_close(output[r], expected)
        wanted = torch.autograd.grad(expected.square().sum(), list(one.parameters()))
        for gradient, alone in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(gradient[r], alone)
        assert gradients[learned.index("net.4.weight")].is_contiguous()
        torch.testing.assert_close(stacked["net.1.running_mean"][r], one[1].running_mean)


def test_linear_layers_have_the_gradient_of_finite_differences():
    torch.manual_seed(0)
    shapes = ((2, 3, 4), (2, 5, 4), (2, 5))
    x, weight, bias = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes)
    assert torch.autograd.gradcheck(linear, (x, weight, bias))
    assert torch.autograd.gradcheck(lambda x, weight: linear(x, weight, None), (x, weight))
    assert torch.autograd.gradcheck(lambda weight: linear(x.detach(), weight, None), (weight,))


def test_each_run_is_clipped_by_its_own_norm_or_not_at_all():
    torch.manual_seed(0)
    given = [torch.randn(4, 3, 2), torch.randn(4, 5)]
    given[0][2, 0, 0] = torch.nan
    given[1][3] = 1e30  # whose square is infinite
    got = [each.clone() for each in given]
    clip(got, [0.5, 1000.0, 0.5, None])

    def of(run: int, gradients: list[Tensor]) -> list[Tensor]:
        return [each[run] for each in gradients]

    for run, largest in enumerate((0.5, 1000.0, 0.5)):
        alone = [nn.Parameter(torch.zeros_like(each)) for each in of(run, given)]
        for parameter, gradient in zip(alone, of(run, given), strict=True):
            parameter.grad = gradient.clone()
        nn.utils.clip_grad_norm_(alone, largest)
        for parameter, clipped in zip(alone, of(run, got), strict=True):
            torch.testing.assert_close(clipped, parameter.grad, equal_nan=True)
    for run in (1, 3):
        assert all(torch.equal(a, b) for a, b in zip(of(run, got), of(run, given), strict=True))


@pytest.mark.parametrize(
    ("words", "layered", "fast"),
    [
        (("architecture=mlp",), True, True),
        (("architecture=mlp", "architecture.tied=true"), False, True),
        (("architecture=mlp", "likelihood=gaussian"), False, True),
        (("architecture=conv28",), True, False),
        (("architecture=broadcast",), False, False),
    ],
)
def test_which_models_have_layers_and_gain_on_a_cpu(
    composed: Callable[..., RunConfig], words: tuple[str, ...], *, layered: bool, fast: bool
):
    model = build(composed("dataset=mnist", *words), shape=(1, 28, 28), classes=10)
    assert has_layers(model) == layered
    assert is_faster(model, 4) == fast
    assert not is_faster(model, 3)


def test_the_form_depends_on_the_device_and_the_minibatch():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert best_form(cpu, 128) == best_form(cuda, 4096) == "shared"
    assert best_form(cpu, 129) == "single"
