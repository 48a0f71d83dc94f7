"""The Jacobian norm: against jacrev, a closed form, finite differences; the probes' mean."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from runner.config.objective_schema import CONTRACTIONS
from runner.training.contraction import jacobian_norm


def normals(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=source, dtype=torch.float64)


def encoder(*layers: nn.Module) -> nn.Sequential:
    """Return a network with fixed parameters that need no gradient."""
    network = nn.Sequential(*layers).double().requires_grad_(requires_grad=False)
    for i, parameter in enumerate(network.parameters()):
        parameter.copy_(normals(*parameter.shape, seed=100 + i) / 2)
    return network


def small_encoder() -> nn.Sequential:
    return encoder(
        nn.Conv2d(1, 2, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(32, 3), nn.Softplus()
    )


def exact(network: nn.Module, images_BCHW: Tensor) -> Tensor:
    return jacobian_norm(network, images_BCHW, estimate="exact", probes_SBV=None)


def hutchinson(network: nn.Module, images_BCHW: Tensor, probes_SBV: Tensor) -> Tensor:
    return jacobian_norm(network, images_BCHW, estimate="hutchinson", probes_SBV=probes_SBV)


def sigmoid_layer_norm(code_BV: Tensor, weight_VP: Tensor) -> float:
    """Mean over images of sum_i (h_i (1 - h_i))^2 sum_j W_ij^2 (Rifai et al. 2011)."""
    total = 0.0
    for code in code_BV.tolist():
        for h, row in zip(code, weight_VP.tolist(), strict=True):
            total += (h * (1 - h)) ** 2 * sum(w**2 for w in row)
    return total / len(code_BV)


def test_exact_is_the_norm_of_the_whole_jacobian_of_each_image():
    network, images_BCHW = small_encoder(), normals(4, 1, 4, 4)
    jacobians = [torch.func.jacrev(network)(image[None]) for image in images_BCHW]
    expected = sum(float(jacobian.square().sum()) for jacobian in jacobians) / 4
    assert float(exact(network, images_BCHW)) == pytest.approx(expected)


def test_exact_is_the_closed_form_of_one_sigmoid_layer():
    network = encoder(nn.Flatten(), nn.Linear(12, 5), nn.Sigmoid())
    images_BCHW = normals(6, 3, 2, 2)
    expected = sigmoid_layer_norm(network(images_BCHW), network[1].weight)
    assert float(exact(network, images_BCHW)) == pytest.approx(expected)


def test_exact_is_that_of_finite_differences_of_the_code():
    network, images_BCHW, step = small_encoder(), normals(2, 1, 4, 4), 1e-5
    total = 0.0
    for pixel in range(16):
        moved = torch.zeros(16, dtype=torch.float64)
        moved[pixel] = step
        moved = moved.view(1, 1, 4, 4)
        slope = (network(images_BCHW + moved) - network(images_BCHW - moved)) / (2 * step)
        total += float(slope.square().sum()) / 2
    assert float(exact(network, images_BCHW)) == pytest.approx(total, rel=1e-7)


def test_the_mean_over_all_probes_is_exact():
    """With every vector of signs once, the mean over probes is the exact expectation."""
    network, images_BCHW = small_encoder(), normals(4, 1, 4, 4)
    signs_SV = torch.tensor(list(product([-1.0, 1.0], repeat=3)), dtype=torch.float64)
    got = hutchinson(network, images_BCHW, signs_SV[:, None].expand(-1, 4, -1))
    torch.testing.assert_close(got, exact(network, images_BCHW))


def test_the_mean_over_many_random_probes_is_near_exact():
    network, images_BCHW = small_encoder(), normals(4, 1, 4, 4)
    probes_SBV = normals(3000, 4, 3, seed=9).sign()
    got = float(hutchinson(network, images_BCHW, probes_SBV))
    assert got == pytest.approx(float(exact(network, images_BCHW)), rel=0.03)


def test_a_code_of_one_dimension_is_exact_for_any_probe():
    network = encoder(nn.Flatten(), nn.Linear(16, 1), nn.Tanh())
    images_BCHW = normals(4, 1, 4, 4)
    got = hutchinson(network, images_BCHW, normals(1, 4, 1).sign())
    torch.testing.assert_close(got, exact(network, images_BCHW))


@pytest.mark.parametrize("estimate", CONTRACTIONS)
def test_gradients_in_the_parameters_are_those_of_finite_differences(estimate: str):
    network, images_BCHW = small_encoder(), normals(2, 1, 4, 4)
    probes_SBV = normals(2, 2, 3).sign() if estimate == "hutchinson" else None
    names = [name for name, _ in network.named_parameters()]

    def norm(*values: Tensor) -> Tensor:
        parameters = dict(zip(names, values, strict=True))

        def encode(images: Tensor) -> Tensor:
            return torch.func.functional_call(network, parameters, (images,))

        return jacobian_norm(encode, images_BCHW, estimate=estimate, probes_SBV=probes_SBV)

    values = tuple(p.detach().clone().requires_grad_() for p in network.parameters())
    assert torch.autograd.gradcheck(norm, values)


def test_backward_reaches_the_parameters_of_a_module():
    network = encoder(nn.Flatten(), nn.Linear(12, 5), nn.Sigmoid())
    network.requires_grad_()
    images_BCHW = normals(6, 3, 2, 2)
    with torch.no_grad():
        alone = exact(network, images_BCHW)  # as for a record: a value without a gradient
    loss = exact(network, images_BCHW)
    loss.backward()
    assert torch.equal(alone, loss.detach())
    assert not alone.requires_grad
    weight = network[1].weight
    got = weight.grad[2, 7]
    with torch.no_grad():
        weight[2, 7] += 1e-6
        above = sigmoid_layer_norm(network(images_BCHW), weight)
        weight[2, 7] -= 2e-6
        below = sigmoid_layer_norm(network(images_BCHW), weight)
    assert float(got) == pytest.approx((above - below) / 2e-6, rel=1e-5)


@pytest.mark.parametrize(
    ("estimate", "probes_SBV"),
    [("exact", torch.ones(1, 4, 3)), ("hutchinson", None), ("exakt", None)],
)
def test_probes_belong_to_the_estimate(estimate: str, probes_SBV: Tensor | None):
    with pytest.raises(ValueError, match="'hutchinson' with probes"):
        jacobian_norm(
            small_encoder(), normals(4, 1, 4, 4), estimate=estimate, probes_SBV=probes_SBV
        )
