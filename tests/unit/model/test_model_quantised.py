"""A quantised code beside a plain loop, with the gradient of the numbers that it stands for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.errors import UsageError
from runner.model import build
from runner.model.quantised import Quantised
from tests.conftest import represent

CODE = ("architecture=mlp", "architecture.widths=[8]", "prior=quantised_code", "objective=qlae")


def codebooks(count: int = 3, values: int = 4, *, learned: bool = True) -> Quantised:
    """Values in no order, others for each variable."""
    code = Quantised(count, values, 0.5, learned=learned).double()
    with torch.no_grad():
        code.values_VK.copy_(torch.randn(count, values, generator=torch.Generator().manual_seed(0)))
    return code


def numbers(rows: int, count: int = 3) -> torch.Tensor:
    source = torch.Generator().manual_seed(1)
    return torch.randn(rows, count, generator=source, dtype=torch.float64, requires_grad=True)


def test_values_start_evenly_from_minus_to_plus_the_start():
    values = Quantised(2, 3, 0.5, learned=True).values_VK
    assert values.tolist() == [[-0.5, 0.0, 0.5]] * 2
    assert isinstance(values, torch.nn.Parameter)
    fixed = Quantised(2, 3, 0.5, learned=False)
    assert not list(fixed.parameters())
    assert set(fixed.state_dict()) == {"values_VK"}  # a checkpoint has it all the same


def test_each_number_is_replaced_by_the_nearest_value_of_its_variable():
    code, given = codebooks(), numbers(50)
    expected = [
        [
            min(code.values_VK[v].tolist(), key=lambda value, x=x: abs(value - x))
            for v, x in enumerate(row)
        ]
        for row in given.tolist()
    ]
    assert code.nearest(given).tolist() == expected  # the value itself, not one near to it
    assert code.sample(given, torch.zeros(50, 3)).tolist() == expected
    assert len({tuple(column) for column in zip(*expected, strict=True)}) == 3


def test_the_first_of_equally_near_values_is_taken():
    code = Quantised(1, 3, 0.5, learned=True)
    assert code.nearest(torch.tensor([[-0.25], [0.25]])).tolist() == [[-0.5], [0.0]]


def test_the_gradient_goes_straight_through_and_not_to_the_values():
    code, given = codebooks(), numbers(5)
    weights = torch.arange(15.0, dtype=torch.float64).view(5, 3)
    (code.posterior_mean(given) * weights).sum().backward()
    assert torch.equal(given.grad, weights)
    assert code.values_VK.grad is None


def test_the_gradient_of_the_nearest_values_is_that_of_the_values_taken():
    code, given = codebooks(), numbers(7)
    weights = torch.arange(21.0, dtype=torch.float64).view(7, 3) + 1
    (code.nearest(given) * weights).sum().backward()
    expected = torch.zeros(3, 4, dtype=torch.float64)
    for b, row in enumerate(given.tolist()):
        for v, x in enumerate(row):
            expected[v, (code.values_VK[v] - x).abs().argmin()] += weights[b, v]
    torch.testing.assert_close(code.values_VK.grad, expected, rtol=1e-12, atol=0)
    assert given.grad is None


def test_it_is_a_deterministic_code_whose_values_are_known(composed: Callable[..., RunConfig]):
    model = build(composed(*CODE, "prior.values=3"), shape=(1, 4, 4), classes=3)
    assert not model.latents.has_density
    assert [n for n, _ in model.latents.named_parameters()] == ["continuous.values_VK"]
    with torch.no_grad():
        model.latents.continuous.values_VK[0] = torch.tensor([2.0, -1.0, 0.5])
    seen = represent(model)
    assert seen.values["z_0"].tolist() == [-1.0, 0.5, 2.0]
    assert list(seen.values) == [f"z_{v}" for v in range(10)]
    assert seen.category_values == {}
    parameters = seen.encode(torch.randint(0, 256, (6, 1, 4, 4), dtype=torch.uint8))
    code = seen.mean(parameters)
    assert set(code[:, 0].tolist()) <= {-1.0, 0.5, 2.0}
    for other in (seen.code_given(parameters), seen.sample(parameters, torch.Generator())):
        assert torch.equal(other, code)
    assert seen.sample_prior(3, torch.Generator()) is None


def test_it_takes_no_discrete_variables(composed: Callable[..., RunConfig]):
    config = composed(*CODE, "++prior.discrete={a: 2}")
    with pytest.raises(UsageError, match=r"^prior=quantised_code is one deterministic code"):
        build(config, shape=(1, 4, 4), classes=3)
