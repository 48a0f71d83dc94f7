"""Parameters of q(z|x, y): what follows from them is what q(z|x) says given the class."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from runner.errors import UsageError
from runner.model import given_class, log_q_of_classes
from runner.model.discrete import Bernoulli, Concrete, Discrete
from runner.model.known_class import class_variable
from runner.model.latent_space import LatentSpace
from tests.conftest import prior_of
from tests.unit.model.test_model_conditional import NORMALS, TWO, space_of

CLASSES = torch.tensor([0, 2, 1, 2, 0])


def with_class(space: LatentSpace, name: str) -> LatentSpace:
    object.__setattr__(space.discrete, "class_variable", name)
    return space


def parameters(space: LatentSpace) -> torch.Tensor:
    source = torch.Generator().manual_seed(0)
    return torch.randn(len(CLASSES), space.parameter_count, generator=source, dtype=torch.float64)


@pytest.mark.parametrize("density", ["exact", "argmax", "drawn"])
def test_the_rate_given_the_class_is_that_of_the_rest_minus_log_p_of_the_class(density: str):
    """Of a conditional posterior with another variable beside the class, by enumeration."""
    space = with_class(space_of(TWO, density), "c")
    every_BP = parameters(space)
    given_BP = given_class(space, every_BP, CLASSES)
    space = space.with_categorical()
    noise_BW = space.noise(len(CLASSES), torch.Generator().manual_seed(1)).double()
    z_BW = space.sample(given_BP, noise_BW)
    assert torch.equal(z_BW[:, :3], torch.eye(3, dtype=torch.float64)[CLASSES])
    normals = every_BP[:, 4:].reshape(len(CLASSES), 3, 2, 2, NORMALS)  # class, on, loc or scale
    on = torch.distributions.Bernoulli(logits=every_BP[:, 3])
    for i, k in enumerate(CLASSES.tolist()):
        q_on, prior = on.probs[i], torch.tensor([0.7, 0.3], dtype=torch.float64)
        table = torch.stack([1 - q_on, q_on])
        expected = torch.log(torch.tensor(3.0).double()) + (table * (table / prior).log()).sum()
        for value in (0, 1):
            loc, log_scale = normals[i, k, value]
            standard = Normal(torch.zeros_like(loc), 1.0)
            kl = kl_divergence(Normal(loc, log_scale.exp()), standard).sum()
            expected = expected + table[value] * kl
        got = space.rate(z_BW, given_BP)[i]
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_two_classes_may_be_a_bernoulli_variable():
    space = with_class(prior_of({"on": Bernoulli(0.3)}, 1), "on")
    every_BP = parameters(space)
    class_B = torch.tensor([0, 1, 1, 0, 1])
    given_BP = given_class(space, every_BP, class_B)
    noise_BW = space.noise(5, torch.Generator().manual_seed(1)).double()
    assert torch.equal(space.sample(given_BP, noise_BW)[:, 0], class_B.double())
    log_p = torch.tensor([0.7, 0.3]).log().double()[class_B]
    torch.testing.assert_close(space.rate_per_variable(noise_BW, given_BP)[:, 0], -log_p)
    expected = torch.distributions.Bernoulli(logits=every_BP[:, 0]).log_prob(class_B.double())
    of_classes = log_q_of_classes(space, every_BP).gather(0, class_B[None])[0]
    torch.testing.assert_close(of_classes, expected)


def test_the_probabilities_of_classes_are_those_of_their_variable():
    space = with_class(space_of(TWO), "c")
    every_BP = parameters(space)
    expected = Categorical(logits=every_BP[:, :3]).logits.T
    torch.testing.assert_close(log_q_of_classes(space, every_BP), expected)
    with pytest.raises(KeyError, match="trained with labels"):
        log_q_of_classes(space_of(TWO), every_BP)


def test_the_class_is_the_one_variable_with_as_many_categories():
    two: dict[str, Discrete] = {"a": Concrete(3), "b": Concrete(4), "c": Bernoulli(0.5)}
    assert class_variable(two, 4) == "b"
    assert class_variable(two, 2) == "c"
    with pytest.raises(UsageError, match="the 5 classes; a has 3, b has 4, c has 2"):
        class_variable(two, 5)
    with pytest.raises(UsageError, match="the prior has none"):
        class_variable({}, 5)
    with pytest.raises(UsageError, match=r"one discrete variable with 3 categories.* has a, d"):
        class_variable({**two, "d": Concrete(3)}, 3)
