"""Own networks, priors and likelihoods: built from a file, and tried before a run begins."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from runner.config.composition import compose
from runner.errors import UsageError
from runner.model import VAE, build

HEAD = """
import torch
from torch import nn
from runner.model import Likelihood
from runner.model.independent import Independent, StudentT
from runner.plugins import *

def flat(width):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width))
"""
NETWORK = """
def build(settings, shapes):
    return {}

add_network("mine", build)
"""
ENCODER = "flat(shapes.parameters)"
DECODER = "nn.Sequential(flat(shapes.output_channels * 16), nn.Unflatten(1, (1, 4, 4)))"
PRIOR = """
def build(settings, images):
    return {}

add_prior("mine", build, settings={{"dimensions": 4}})
"""
LIKELIHOOD = """
class Mine(Likelihood):
    def log_prob(self, output_BKHW, images_BCHW):
        return {}

    def mean(self, output_BKHW):
        return output_BKHW

add_likelihood("mine", lambda settings: Mine())
"""


def built(tmp_path: Path, text: str, *overrides: str) -> VAE:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + text)
    config = compose([f"plugins=[{path}]", "dataset=digits", *overrides]).parse()
    return build(config, shape=(1, 4, 4), classes=3)


def test_an_own_network_is_the_models(tmp_path: Path):
    model = built(tmp_path, NETWORK.format(f"{ENCODER}, {DECODER}"), "architecture=mine")
    parameters = model.encode(torch.zeros(3, 1, 4, 4))
    assert parameters.shape == (3, 20)
    assert model.decode(torch.zeros(3, 10)).shape == (3, 1, 4, 4)
    assert model.encoder.training


def test_trying_a_network_changes_nothing_in_it(tmp_path: Path):
    encoder = "nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(16, shapes.parameters))"
    model = built(tmp_path, NETWORK.format(f"{encoder}, {DECODER}"), "architecture=mine")
    norm = next(part for part in model.encoder.modules() if isinstance(part, torch.nn.BatchNorm2d))
    assert norm.num_batches_tracked == 0
    assert norm.training


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (f"{ENCODER}", "line 14: it must return an encoder and a decoder, modules of torch"),
        (f"{ENCODER}, print", "it must return an encoder and a decoder"),
        (f"flat(7), {DECODER}", "the encoder must turn (2, 1, 4, 4) into (2, 20), and gives the"),
        (f"{ENCODER}, flat(3)", "the decoder must turn (2, 10) into (2, 1, 4, 4), and gives the"),
        (f"nn.Linear(3, 4), {DECODER}", "network 'mine': "),
        ("1 / 0", "mine.py', line 12: ZeroDivisionError: division by zero"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(tmp_path: Path, returned: str, message: str):
    with pytest.raises(UsageError) as caught:
        built(tmp_path, NETWORK.format(returned), "architecture=mine")
    assert "network 'mine'" in caught.value.message
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_an_own_prior_is_that_of_the_latent_space(tmp_path: Path):
    text = PRIOR.format("Independent(StudentT(settings.dimensions, 3.0))")
    model = built(tmp_path, text, "prior=mine", "prior.dimensions=6")
    assert model.latents.prior is not None
    assert model.latents.prior.count == 6
    assert model.latents.group_names == ("z_0-1", "z_2-3", "z_4-5")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("StudentT(settings.dimensions, 3.0)", "StudentT has no factorises"),
        ("None", "it must return a density p(z), and NoneType has no count"),
        ("Independent(StudentT(3, 3.0))", "has 3 variables, and prior.dimensions is 4"),
        ("images.training().nothing", "AttributeError"),
    ],
)
def test_a_prior_that_is_no_density_is_refused(tmp_path: Path, returned: str, message: str):
    path = tmp_path / "mine.py"
    path.write_text(HEAD + PRIOR.format(returned))
    config = compose([f"plugins=[{path}]", "dataset=digits", "prior=mine"]).parse()
    with pytest.raises(UsageError) as caught:
        build(config, shape=(1, 4, 4), classes=3, images=lambda: torch.zeros(8, 1, 4, 4))
    assert message in caught.value.message


def test_an_own_likelihood_is_the_models(tmp_path: Path):
    text = LIKELIHOOD.format("-(output_BKHW - images_BCHW).abs().flatten(1).sum(1)")
    model = built(tmp_path, text, "likelihood=mine", "architecture=mlp")
    assert model.log_px_z(torch.ones(2, 1, 4, 4), torch.zeros(2, 10)).shape == (2,)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("(output_BKHW - images_BCHW).sum()", "log_prob must have the shape (2,), and has the"),
        ("output_BKHW.nothing", "AttributeError: 'Tensor' object has no attribute 'nothing'"),
    ],
)
def test_a_likelihood_of_another_shape_is_refused(tmp_path: Path, returned: str, message: str):
    with pytest.raises(UsageError) as caught:
        built(tmp_path, LIKELIHOOD.format(returned), "likelihood=mine", "architecture=mlp")
    assert message in caught.value.message
