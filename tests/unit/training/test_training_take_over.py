"""A model starts from the parameters of another, all of them or those of some parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.errors import DataError, UsageError
from runner.model import VAE
from runner.training.take_over import take_over
from tests.unit.training.test_training_state import OVERRIDES, fresh

New = Callable[..., VAE]


@pytest.fixture
def new(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> New:
    def new(*changes: str) -> VAE:
        few = ["prior.pseudo_inputs=5"] if "prior=vamp" in changes else []
        return fresh(composed(*OVERRIDES, *changes, *few), toy_dataset)[0].model

    return new


def test_all_parameters_are_taken_over(new: New):
    model, other = new(), new("seed=1")
    take_over(model, other.state_dict(), [], "X")
    wanted = other.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in model.state_dict().items())


def test_of_some_parts_the_others_stay(new: New):
    model, untouched, other = new(), new(), new("seed=1")
    take_over(model, other.state_dict(), ["decoder"], "X")
    wanted = untouched.state_dict() | {
        name: tensor for name, tensor in other.state_dict().items() if name.startswith("decoder.")
    }
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("here", "there", "said", "hint"),
    [
        ("prior.dimensions=6", "seed=1", "encoder.3.weight is 8x8 there and 12x8 here", "no part"),
        ("prior=vamp", "seed=1", "it has no latents.", "init.only=[encoder,decoder]"),
        ("seed=1", "prior=vamp", "which this model has not", "init.only=[encoder,decoder]"),
        ("likelihood=gaussian", "seed=1", "it has no likelihood", "init.only=[encoder,decoder]"),
    ],
)
def test_what_does_not_fit_is_named_with_what_does(
    new: New, here: str, there: str, said: str, hint: str
):
    learned = ["likelihood.learned=true"] if "likelihood" in here else []
    model, before = new(here, *learned), new(here, *learned).state_dict()
    with pytest.raises(UsageError) as error:
        take_over(model, new(there).state_dict(), [], "X")
    assert said in error.value.message
    assert error.value.message.startswith("X does not fit: ")
    assert hint in str(error.value.hint)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_part_without_parameters_is_refused(new: New):
    with pytest.raises(UsageError, match="no parameters of prior to take over"):
        take_over(new(), new("seed=1").state_dict(), ["prior"], "X")


def test_a_parameter_that_is_no_number_is_refused(new: New):
    given = new("seed=1").state_dict()
    given["encoder.1.bias"].fill_(torch.nan)
    with pytest.raises(DataError, match=r"X is corrupt: 'encoder\.1\.bias' is not finite"):
        take_over(new(), given, [], "X")
