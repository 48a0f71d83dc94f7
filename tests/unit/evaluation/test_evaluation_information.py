"""Information over large sets of encodings, against closed forms and tables."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.dataset import Factor
from runner.evaluation import information, row_chunks
from runner.evaluation.encodings import Encodings
from runner.evaluation.information import (
    decompose_all,
    factor_information,
    set_information,
    variable_information,
)
from runner.model import LatentSpace
from runner.model.discrete import Concrete
from runner.objective import decompose, log_mixture_weights
from tests.conftest import prior_of

IMAGES = 400


def encodings(latents: LatentSpace, parameters_MP: Tensor, factors_MF: Tensor) -> Encodings:
    source = torch.Generator().manual_seed(0)
    noise_MW = latents.noise(len(parameters_MP), source)
    return Encodings(
        indices_M=torch.arange(len(parameters_MP)),
        parameters_MP=parameters_MP,
        z_MW=latents.discretise(latents.sample(parameters_MP, noise_MW)),
        mean_MW=latents.posterior_mean(parameters_MP),
        log_px_z_M=-torch.linspace(50, 90, len(parameters_MP)),
        factors_MF=factors_MF,
        dataset_size=len(parameters_MP),
    )


def normals(count: int) -> LatentSpace:
    return prior_of(normals=count)


def category(categories: int) -> LatentSpace:
    return prior_of({"category": Concrete(categories)})


def mixed() -> LatentSpace:
    return prior_of({"category": Concrete(3)}, 2)


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch):
    latents = mixed()
    parameters = torch.randn(47, 7, generator=torch.Generator().manual_seed(1))
    every = encodings(latents, parameters, torch.zeros(47, 1).long())
    whole = decompose(
        latents.densities(every.z_MW, parameters, parameters),
        -every.log_px_z_M.mean(),
        log_mixture_weights(47, 47, 47, like=every.z_MW),
    )
    for rows in (5, 20, 100):  # 47 is a multiple of none of them
        monkeypatch.setattr(row_chunks, "_ROWS", rows)
        got = decompose_all(latents, every)
        assert list(got.terms.values()) == pytest.approx(whole.terms.stack().tolist(), abs=1e-4)
        assert list(got.variable.values()) == pytest.approx(
            whole.variable_information_V.tolist(), abs=1e-4
        )


def test_information_of_a_category_is_that_of_its_table():
    logits = torch.randn(IMAGES, 4, generator=torch.Generator().manual_seed(2)) * 2
    q_MK = logits.double().softmax(1)
    marginal_K = q_MK.mean(0)
    expected = float((q_MK * (q_MK / marginal_K).log()).sum(1).mean())
    got = decompose_all(category(4), encodings(category(4), logits, torch.zeros(IMAGES, 1).long()))
    assert got.variable["category"] == pytest.approx(expected, abs=1e-4)
    assert got.group["g0"] == pytest.approx(expected, abs=1e-4)
    rate = expected + float((marginal_K * (4 * marginal_K).log()).sum())
    assert got.rate["category"] == pytest.approx(rate, abs=1e-4)


def test_information_of_a_normal_variable_is_the_channel_s():
    """Means N(0, s^2), noise of scale t: I = 1/2 log(1 + s^2 / t^2), a Gaussian channel."""
    latents, spread, scale = normals(1), 0.9, 0.3
    source = torch.Generator().manual_seed(3)
    means = spread * torch.randn(3000, 1, generator=source)
    parameters = torch.cat([means, torch.full_like(means, math.log(scale))], dim=1)
    got = decompose_all(latents, encodings(latents, parameters, torch.zeros(3000, 1).long()))
    assert got.variable["z_0"] == pytest.approx(0.5 * math.log(1 + 9), abs=0.05)


def one_hot_logits(labels: Tensor, categories: int) -> Tensor:
    return torch.nn.functional.one_hot(labels, categories) * 20.0


def test_a_category_equal_to_the_label_has_its_full_information():
    labels = torch.arange(IMAGES) % 4
    every = encodings(category(4), one_hot_logits(labels, 4), labels[:, None])
    ((got,),) = factor_information(category(4), every, [4])
    assert got == pytest.approx(math.log(4), abs=0.02)


def test_a_category_that_merges_labels_has_the_information_of_their_group():
    labels = torch.arange(IMAGES) % 4
    every = encodings(category(2), one_hot_logits(labels // 2, 2), labels[:, None])
    ((got,),) = factor_information(category(2), every, [4])
    assert got == pytest.approx(math.log(2), abs=0.02)


def test_a_normal_variable_equal_to_the_label_has_its_full_information():
    labels = torch.arange(IMAGES) % 3
    means = labels[:, None].float() * 5
    parameters = torch.cat([means, torch.full_like(means, math.log(0.3))], dim=1)
    ((got,),) = factor_information(
        normals(1), encodings(normals(1), parameters, labels[:, None]), [3]
    )
    assert got == pytest.approx(math.log(3), abs=0.02)


def test_many_variables_of_noise_have_no_information():
    """With its own encoding included, each image would determine its label: log 4 instead of 0."""
    source = torch.Generator().manual_seed(4)
    labels = torch.randint(0, 4, (IMAGES,), generator=source)
    means = torch.randn(IMAGES, 10, generator=source)
    parameters = torch.cat([means, torch.full_like(means, math.log(0.1))], dim=1)
    every = encodings(normals(10), parameters, labels[:, None])
    ((got,),) = factor_information(normals(10), every, [4])
    assert got < 0.05
    pairs = normals(10).densities(every.z_MW, parameters, parameters).sampled_VBM
    share = pairs.sum(0).softmax(1)
    own_counted = (share * (labels[:, None] == labels)).sum(1).log().mean() + math.log(4)
    assert float(own_counted) > 1.3


def test_each_factor_has_information_with_its_group_alone():
    """The category is the first factor, the style variable the second."""
    first, second = torch.arange(IMAGES) % 3, torch.arange(IMAGES) // 3 % 2
    style = torch.stack([second * 6.0 - 3, torch.zeros(IMAGES)], dim=1)
    scales = torch.full((IMAGES, 2), math.log(0.5))
    parameters = torch.cat([one_hot_logits(first, 3), style, scales], dim=1)
    every = encodings(mixed(), parameters, torch.stack([first, second], dim=1))
    by_category, by_style = factor_information(mixed(), every, [3, 2])
    assert by_category == pytest.approx([math.log(3), 0], abs=0.02)
    assert by_style == pytest.approx([0, math.log(2)], abs=0.02)


def disentangled_encodings() -> Encodings:
    """The category is the first factor, style_0 the second, the other style variable noise."""
    first, second = torch.arange(IMAGES) % 3, torch.arange(IMAGES) // 3 % 2
    noise = torch.randn(IMAGES, generator=torch.Generator().manual_seed(5))
    style = torch.stack([second * 6.0 - 3, noise], dim=1)
    scales = torch.full((IMAGES, 2), math.log(0.5))
    parameters = torch.cat([one_hot_logits(first, 3), style, scales], dim=1)
    return encodings(mixed(), parameters, torch.stack([first, second], dim=1))


def test_each_factor_has_information_with_its_variable_alone():
    found, _ = variable_information(mixed(), disentangled_encodings(), [3, 2])
    expected = [[math.log(3), 0], [0, math.log(2)], [0, 0]]
    assert found == [pytest.approx(row, abs=0.02) for row in expected]


def test_sets_of_variables_come_from_one_pass():
    """Groups and variables have their own values; category and style_0 together determine both."""
    every = disentangled_encodings()
    groups = factor_information(mixed(), every, [3, 2])
    variables, _ = variable_information(mixed(), every, [3, 2])
    found, _ = set_information(mixed(), every, [3, 2], [(0,), (1, 2), (1,), (2,), (0, 1)])
    assert found[:2] == groups
    assert [found[0], *found[2:4]] == variables
    assert found[4] == pytest.approx([math.log(3), math.log(2)], abs=0.02)


def test_information_is_named_by_factor_and_variable():
    factors = [Factor("colour", 3), Factor("side", 2)]
    source = torch.Generator().manual_seed(0)
    found, errors = information.information(
        mixed(), disentangled_encodings(), factors, samples=200, source=source
    )
    assert list(found) == [
        f"information/{factor}/{variable}"
        for factor in ("colour", "side")
        for variable in ("category", "z_0", "z_1")
    ]
    assert found["information/colour/category"] == pytest.approx(math.log(3), abs=0.02)
    assert found["information/side/z_0"] == pytest.approx(math.log(2), abs=0.02)
    assert found["information/side/category"] == pytest.approx(0, abs=0.02)
    assert errors.keys() == found.keys()
    assert errors["information/side/category"] < 0.02
    _, of_one = information.information(
        mixed(), disentangled_encodings(), factors, samples=1, source=source
    )
    assert all(math.isnan(error) for error in of_one.values())


def test_images_sorted_by_a_factor_are_sampled_uniformly():
    """The first images have one value of the factor, and no information on the others."""
    labels = torch.arange(IMAGES) // (IMAGES // 4)
    every = encodings(category(2), one_hot_logits(labels % 2, 2), labels[:, None])
    source = torch.Generator().manual_seed(0)
    latents, factors = category(2), [Factor("label", 4)]
    found, _ = information.information(latents, every, factors, samples=40, source=source)
    assert found["information/label/category"] == pytest.approx(math.log(2), abs=0.02)


def test_the_information_of_a_wide_variable_is_that_of_quadrature():
    """z ~ N(2 v, 1), v in {0, 1} equally likely, with varying means: the bound is nearly tight."""
    labels, source = torch.arange(3000) % 2, torch.Generator().manual_seed(6)
    means = 2.0 * labels[:, None] + 0.8 * torch.randn(3000, 1, generator=source)
    parameters = torch.cat([means, torch.full_like(means, math.log(0.6))], dim=1)
    z_Z = torch.linspace(-8, 10, 9001).double()
    q_SZ = torch.stack([torch.distributions.Normal(2.0 * v, 1.0).log_prob(z_Z) for v in (0, 1)])
    entropies = torch.special.entr(torch.cat([q_SZ.exp(), q_SZ.exp().mean(0)[None]])).sum(1) * 0.002
    expected = float(entropies[2] - entropies[:2].mean())
    every = encodings(normals(1), parameters, labels[:, None])
    ((found,),), _ = variable_information(normals(1), every, [2])
    assert found == pytest.approx(expected, abs=0.03)
