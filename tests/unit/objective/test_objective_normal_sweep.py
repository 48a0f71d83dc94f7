"""The sweep over normal variables against the plain estimate, of which it is a faster form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from runner.model import LatentSpace, Node
from runner.model.correlated import CorrelatedNormal
from runner.model.discrete import Bernoulli, Concrete
from runner.model.mixture import Mixture
from runner.objective import (
    Decomposition,
    EncodingWeights,
    decompose,
    equal_weights,
    equal_weights_with_bank,
    mixture_weights,
    sweep_few,
    weights_with_bank,
)
from tests.conftest import prior_of

BATCH, IMAGES = 11, 60
DISCRETE = {"category": Concrete(3), "flag": Bernoulli(0.3)}


def leaf(*variables: int) -> Node:
    kind = tuple(Node(f"v{v}", (v,)) for v in variables)
    return Node("-".join(map(str, variables)), variables, kind if len(variables) > 1 else ())


def nested() -> LatentSpace:
    """Groups of 4 and 2, of which the larger is split twice; one of the parts is scattered."""
    inner = Node("inner", (0, 1, 3, 4), (leaf(0, 3), leaf(1, 4)))
    space = prior_of(normals=6)
    space.tree = Node("all", tuple(range(6)), (inner, leaf(2, 5)))
    return space


def correlated() -> CorrelatedNormal:
    return CorrelatedNormal(torch.eye(4).double() * 0.6 + 0.4)


def mixture() -> Mixture:
    source = torch.Generator().manual_seed(5)
    loc_KV = torch.randn(3, 4, generator=source, dtype=torch.float64)
    return Mixture(loc_KV, torch.ones(3, 4).double(), torch.zeros(3).double())


SPACES: dict[str, Callable[[], LatentSpace]] = {
    "one group": lambda: prior_of(normals=5),
    "groups of two": lambda: prior_of(normals=6, groups=[2, 2, 2]),
    "groups of one and of three": lambda: prior_of(normals=5, groups=[1, 3, 1]),
    "one variable": lambda: prior_of(normals=1),
    "nested groups": nested,
    "a correlated prior": lambda: prior_of(normals=4, groups=[2, 2], p=correlated()),
    "a mixture": lambda: prior_of(normals=4, groups=[3, 1], p=mixture()),
    "discrete variables": lambda: prior_of(DISCRETE, 3),
    "discrete in a group": lambda: prior_of(DISCRETE, 4, groups=[1, 3, 2]),
    "discrete in a group of their own": lambda: prior_of(DISCRETE, 2, groups=[2, 2]),
}


@dataclass(frozen=True)
class Case:
    """Parameters of q(z|x), noise, and the weights of the encodings; the last are of a bank."""

    latents: LatentSpace
    parameters_MP: Tensor
    noise_BW: Tensor
    weights: EncodingWeights

    @classmethod
    def of(cls, name: str, *, bank: int = 0, first: int = 0, equal: bool = False) -> Case:
        latents = SPACES[name]()
        source = torch.Generator().manual_seed(3)
        encodings = BATCH + first + bank
        shape = (encodings, latents.parameter_count)
        parameters_MP = torch.randn(shape, generator=source, dtype=torch.float64)
        normals = latents.continuous.count
        parameters_MP[:, -normals:] -= 1  # log-scales: narrow, so that q(z) has a structure
        noise_BW = latents.noise(BATCH, source).double()
        if bank:
            is_held_K = (torch.arange(bank) != 1).double()  # one place is empty
            weights = (
                equal_weights_with_bank(BATCH, is_held_K)
                if equal
                else weights_with_bank(BATCH, is_held_K, IMAGES)
            )
        elif equal:
            weights = equal_weights(encodings, first=first, like=noise_BW)
        else:
            weights = mixture_weights(encodings, IMAGES, first=first, like=noise_BW)
        return cls(latents, parameters_MP, noise_BW, weights)

    def decomposed(self, parameters_BP: Tensor, noise_BW: Tensor, *, plain: bool) -> Decomposition:
        first, bank = self.weights.first, self.parameters_MP[len(parameters_BP) :]
        own_BP = parameters_BP[first : first + BATCH]
        z_BW = self.latents.sample(own_BP, noise_BW)
        encodings_MP = torch.cat([parameters_BP, bank])
        densities = self.latents.densities(z_BW, own_BP, encodings_MP, pairs=plain)
        zero = noise_BW.new_zeros(())
        return decompose(densities, zero, self.weights, plain=plain)

    def figures(self, parameters_BP: Tensor, noise_BW: Tensor, *, plain: bool) -> Tensor:
        """Everything that a decomposition has, one after the other."""
        parts = self.decomposed(parameters_BP, noise_BW, plain=plain)
        return torch.cat([
            parts.terms.stack(), parts.levels_L, parts.variable_information_V,
            parts.group_information_G,
        ])  # fmt: skip

    def inputs(self) -> tuple[Tensor, Tensor]:
        learned = len((self.weights.of_singles or self.weights).others_M)
        return self.parameters_MP[:learned].clone(), self.noise_BW.clone()


def weighted(values: Tensor) -> Tensor:
    """A sum in which every value has a weight of its own."""
    return values @ torch.linspace(-1, 2, len(values), dtype=values.dtype)


KINDS = [(name, {}) for name in SPACES]
KINDS += [(name, {"bank": 7}) for name in ("groups of two", "nested groups", "discrete in a group")]
KINDS += [(name, {"first": 4}) for name in ("nested groups", "discrete variables")]
KINDS += [
    (name, {**kind, "equal": True})
    for name in ("nested groups", "discrete in a group")
    for kind in ({}, {"bank": 7}, {"first": 4})
]


@pytest.mark.parametrize("cached", [2**18, 150], ids=["whole", "in chunks"])
@pytest.mark.parametrize(("name", "how"), KINDS, ids=[f"{n} {k or ''}" for n, k in KINDS])
def test_value_and_gradient_are_those_of_the_plain_form(
    name: str, how: dict[str, int], cached: int, monkeypatch: pytest.MonkeyPatch
):
    """In float64, to 1e-10; chunks of rows that do not divide the minibatch change nothing."""
    monkeypatch.setattr(sweep_few, "_CACHED", cached)
    case = Case.of(name, **how)
    found: list[tuple[Tensor, ...]] = []
    for plain in (True, False):
        inputs = tuple(tensor.requires_grad_() for tensor in case.inputs())
        values = case.figures(*inputs, plain=plain)
        found.append((values, *torch.autograd.grad(weighted(values), inputs)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-10)
    assert float(found[0][1].abs().max()) > 1e-2


def test_without_gradient_the_values_are_the_same():
    case = Case.of("discrete in a group", bank=7)
    with torch.no_grad():
        one, other = (case.figures(*case.inputs(), plain=plain) for plain in (True, False))
    torch.testing.assert_close(other, one, rtol=1e-10, atol=1e-10)


def test_gradients_are_those_of_finite_differences():
    case = Case.of("discrete in a group of their own")
    inputs = tuple(tensor.requires_grad_() for tensor in case.inputs())

    def loss(*given: Tensor) -> Tensor:
        return weighted(case.figures(*given, plain=False))

    assert torch.autograd.gradcheck(loss, inputs, fast_mode=True)


def test_stacked_runs_are_swept_each_as_alone():
    case = Case.of("discrete in a group of their own")
    parameters_BP, noise_BW = case.inputs()
    parameters_RBP = torch.stack([parameters_BP, parameters_BP.flip(0), 2 * parameters_BP])

    def loss(parameters_BP: Tensor) -> Tensor:
        return weighted(case.figures(parameters_BP, noise_BW, plain=False))

    together_RBP = vmap(grad(loss))(parameters_RBP)
    alone = [grad(loss)(each_BP) for each_BP in parameters_RBP]
    torch.testing.assert_close(together_RBP, torch.stack(alone), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("apart", [0.1, 3.0, 1000.0], ids=["near", "usual", "far"])
@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0])
def test_float32_keeps_its_digits_for_pairs_near_and_far(apart: float, scale: float):
    """Means are hundreds of scales from zero, where a plain float32 product would lose them."""
    source = torch.Generator().manual_seed(0)
    latents = prior_of(normals=4, groups=[2, 2])
    loc_BV = (apart * torch.randn(40, 4, generator=source)).round(decimals=1) * scale
    loc_BV += 300 * scale
    parameters_BP = torch.cat([loc_BV, torch.full_like(loc_BV, math.log(scale))], 1)
    z_BV = latents.sample(parameters_BP, torch.randn(40, 4, generator=source)).detach()
    found: list[tuple[Tensor, ...]] = []
    for dtype in (torch.float64, torch.float32):
        given = [t.to(dtype).requires_grad_() for t in (z_BV, parameters_BP)]
        densities = latents.densities(given[0], given[1], given[1], pairs=False)
        weights = mixture_weights(40, 100, like=given[0])
        parts = decompose(densities, given[0].new_zeros(()), weights)
        correlations = parts.levels_L.sum() + parts.terms.index_code_mi
        found.append((correlations, *torch.autograd.grad(correlations, given)))
    for exact, rounded in zip(*found, strict=True):
        error = (rounded - exact).detach().abs().max()
        size = float(exact.detach().abs().max()) if exact.ndim else 1.0  # nats
        assert float(error) < 1e-5 * size


class _Largest(TorchDispatchMode):
    """Notes the largest storage that an operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for each in result if isinstance(result, tuple | list) else [result]:
            if isinstance(each, Tensor):
                self.entries = max(self.entries, each.untyped_storage().nbytes() // 4)
        return result


def largest(batch: int, *, bank: int = 0) -> int:
    """Entries of the largest tensor, forward and backward."""
    latents = prior_of(normals=4, groups=[2, 2])
    parameters_BP = torch.randn(batch, 8, requires_grad=True)
    encodings_MP = torch.cat([parameters_BP, torch.randn(bank, 8)])
    with _Largest() as found:
        z_BW = latents.sample(parameters_BP, torch.randn(batch, 4))
        densities = latents.densities(z_BW, parameters_BP, encodings_MP, pairs=False)
        weights = (
            weights_with_bank(batch, torch.ones(bank), 10**6) if bank
            else mixture_weights(batch, 10**6, like=z_BW)
        )  # fmt: skip
        decompose(densities, z_BW.new_zeros(()), weights).terms.stack().sum().backward()
    return found.entries


def test_no_tensor_grows_with_the_number_of_pairs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep_few, "_CACHED", 2**14)
    assert max(largest(512), largest(64, bank=448)) < 2**17 < 512 * 512
    assert largest(512) < 5 * largest(128)
