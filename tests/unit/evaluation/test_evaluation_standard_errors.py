"""Standard errors of an evaluation against how much repetitions of it differ."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from torch import Tensor

from runner.dataset import Factor
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import decompose_all, group_information
from runner.evaluation.mig_density import mig_density
from runner.model import LatentSpace
from runner.model.discrete import Concrete, Discrete
from runner.objective import TERM_NAMES
from tests.conftest import prior_of

IMAGES, REPETITIONS = 200, 30


def drawn(latents: LatentSpace, seed: int, dtype: torch.dtype = torch.float32) -> Encodings:
    """Images of a population: two correlated means, one of which tells a factor of two values."""
    source = torch.Generator().manual_seed(seed)
    first, noise = torch.randn(2, IMAGES, generator=source)
    factor = (first > 0).long()
    loc = torch.stack([first, 0.8 * first + 0.6 * noise], 1)
    parameters = torch.cat([loc, torch.full_like(loc, math.log(0.5))], 1).to(dtype)
    z = latents.sample(parameters, latents.noise(IMAGES, source).to(dtype))
    log_px_z = -50 + 5 * torch.randn(IMAGES, generator=source)
    every = torch.arange(IMAGES)
    return Encodings(every, parameters, z, loc, log_px_z, factor[:, None], IMAGES)


@cache
def repeated() -> tuple[dict[str, Tensor], dict[str, float]]:
    """Return each figure of all repetitions, and the mean of the standard errors that they say."""
    latents = prior_of(normals=2)
    values: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for seed in range(REPETITIONS):
        encodings = drawn(latents, seed)
        found = decompose_all(latents, encodings)
        by_factor, of_factor = group_information(latents, encodings, [2])
        for tree, figures, ((one, *_), *_) in (
            (values, found, by_factor),
            (errors, found.standard_errors, of_factor),
        ):
            flat = {"elbo": figures.elbo, **figures.terms, "factor": one, **figures.rate}
            for name, number in {**flat, "I": figures.variable["z_0"]}.items():
                tree.setdefault(name, []).append(number)
    return (
        {name: torch.tensor(each) for name, each in values.items()},
        {name: sum(each) / len(each) for name, each in errors.items()},
    )


NAMES = (
    "elbo", "reconstruction", "index_code_mi", "within_group_total_correlation",
    "dimension_wise_kl", "I", "z_0", "factor",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_they_are_the_deviation_over_repetitions(name: str):
    """Other images, other draws, other encodings behind q(z): all of it is in the repetitions."""
    values, errors = repeated()
    assert errors[name] == pytest.approx(float(values[name].std()), rel=0.4)


def of_a_factor(latents: LatentSpace, seed: int) -> Encodings:
    """Images with a rare and a frequent value of a factor, which every variable tells in part."""
    source = torch.Generator().manual_seed(seed)
    factor = (torch.rand(IMAGES, generator=source) < 0.25).long()
    means = factor[:, None] * torch.tensor([2.0, 1.2]) + torch.randn(IMAGES, 2, generator=source)
    parts = [means, torch.full_like(means, math.log(0.5))]
    if len(latents.variable_names) > 2:
        logit = 2 * torch.randn(IMAGES, generator=source) + 4 * factor - 2
        parts = [torch.stack([torch.zeros(IMAGES), logit], 1), *parts]
    parameters = torch.cat(parts, 1)
    z = latents.discretise(latents.sample(parameters, latents.noise(IMAGES, source)))
    every = torch.arange(IMAGES)
    mean = latents.posterior_mean(parameters)
    return Encodings(every, parameters, z, mean, torch.zeros(IMAGES), factor[:, None], IMAGES)


@pytest.mark.parametrize("samples", [IMAGES, 60])
@pytest.mark.parametrize("discrete", [{}, {"kind": Concrete(2)}], ids=["normals", "discrete"])
def test_of_the_gap_they_are_the_deviation_over_repetitions(
    discrete: dict[str, Discrete], samples: int
):
    """The entropy of the factor is of as many images as the table of a discrete variable."""
    latents, repetitions = prior_of(discrete, normals=2), 200
    values, errors = [], []
    for seed in range(repetitions):
        source = torch.Generator().manual_seed(seed)
        numbers, error = mig_density(
            latents, of_a_factor(latents, seed), [Factor("two", 2)], samples=samples, source=source
        )
        assert error["mig_density"] == error["mig_density/two"]
        values.append(numbers["mig_density"])
        errors.append(error["mig_density"])
    spread = float(torch.tensor(values).std())
    assert sum(errors) / repetitions == pytest.approx(spread, rel=0.25)


def brute_force(latents: LatentSpace, encodings: Encodings, behind: Tensor) -> list[float]:
    """Return the terms but the reconstruction, with equal weights of some encodings, in float64."""
    loc, log_scale = behind.chunk(2, 1)
    q = torch.distributions.Normal(loc, log_scale.exp())
    pairs = q.log_prob(encodings.z_MW[:, None])
    own = torch.distributions.Normal(*(t for t in _own(encodings))).log_prob(encodings.z_MW)
    log_qv = pairs.logsumexp(1) - math.log(len(behind))
    log_q = pairs.sum(2).logsumexp(1) - math.log(len(behind))
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(encodings.z_MW)
    means = (own.sum(1) - log_q, log_q - log_qv.sum(1), (log_qv - log_p).sum(1))
    return [float(each.mean()) for each in means]


def _own(encodings: Encodings) -> tuple[Tensor, Tensor]:
    loc, log_scale = encodings.parameters_MP.chunk(2, 1)
    return loc, log_scale.exp()


def test_further_encodings_stand_behind_q_with_equal_weights():
    latents = prior_of(normals=2).double()
    encodings = drawn(latents, 1, torch.float64)
    rest = drawn(latents, 2, torch.float64).parameters_MP[:77]
    behind = torch.cat([encodings.parameters_MP, rest])
    every = Encodings(**{**vars(encodings), "rest_KP": rest, "dataset_size": len(behind)})
    found = decompose_all(latents, every)
    names = [TERM_NAMES[1], TERM_NAMES[3], TERM_NAMES[4]]  # one group has no other
    got = [found.terms[name] for name in names]
    assert got == pytest.approx(brute_force(latents, encodings, behind), abs=1e-9)
    assert sum(found.terms.values()) == pytest.approx(-found.elbo, abs=1e-9)
