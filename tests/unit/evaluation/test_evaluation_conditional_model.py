"""A model with a conditional posterior as it is scored and drawn, against sums over categories.

Shapes: M images, S samples of an image, A joint categories, W columns of z, C of them discrete, T
steps of a traversal, G points of a grid, K numbers of kept variables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit
from runner.evaluation import encode
from runner.evaluation.encodings import Encodings
from runner.evaluation.marginal_likelihood import log_likelihood
from runner.evaluation.pruning import pruning
from runner.evaluation.traversal_rows import traversal_rows
from runner.model import VaeRepresentation, build
from runner.model.conditional import ConditionalSpace
from tests.unit.evaluation.conditional_expectations import Expected, close, prior, source
from tests.unit.model.conditional_enumeration import Enumerated

IMAGES = 80
STEP = 0.02
TWO = "++prior.discrete={on: 0.3}"
DISCRETE = {"one": ("prior.dimensions=2",), "two": ("prior.dimensions=2", TWO)}

Composed = Callable[..., RunConfig]
Modelled = tuple[VaeRepresentation, RunConfig]


def modelled(composed: Composed, dataset: Dataset, *overrides: str, times: float = 2.5) -> Modelled:
    """Build a small model in float64 whose normal variables depend on the discrete ones."""
    config = composed(
        "architecture=mlp", "architecture.widths=[8]", "architecture.conditional=true",
        "prior=concrete_normal", "prior.categories=3", "evaluation.traversal_steps=4", *overrides,
    )  # fmt: skip
    model = build(config, shape=dataset.shape, classes=dataset.classes).double()
    with torch.no_grad():
        for weight in (each for each in model.parameters() if each.ndim == 2):
            weight.mul_(times)
    return VaeRepresentation(model, lambda images_BCHW: images_BCHW.double() / 255), config


def space_in(model: VaeRepresentation) -> ConditionalSpace:
    assert isinstance(model.latents, ConditionalSpace)
    return model.latents


@torch.no_grad()
def codes_given(model: VaeRepresentation, every: Encodings, given: Mapping[str, int]) -> Tensor:
    """Return codes at categories, the rest most probable, with the enumerated means, (M, W)."""
    space = space_in(model)
    exact = Enumerated(space, every.parameters_MP)
    codes: list[Tensor] = []
    for i in range(len(every)):
        most = [int(table.probs[i].argmax()) for table in exact.tables]
        names = list(space.discrete.by_name)
        value = [given.get(name, k) for name, k in zip(names, most, strict=True)]
        columns = [
            model.category_values[name][k].double() for name, k in zip(names, value, strict=True)
        ]
        codes.append(torch.cat([*columns, exact.loc_NAV[i, exact.values.index(tuple(value))]]))
    return torch.stack(codes)


@pytest.mark.parametrize("overrides", DISCRETE.values(), ids=DISCRETE)
def test_pruning_keeps_variables_in_the_order_of_their_enumerated_information(
    composed: Composed, toy_dataset: Dataset, overrides: tuple[str, ...]
):
    model, _ = modelled(composed, toy_dataset, *overrides)
    space, split = space_in(model), toy_dataset.test
    every = encode(model, split, IMAGES, source())
    found = pruning(model, every, split, samples=IMAGES, source=source())
    expected = Expected(space, every)
    alone = [float(expected.information([v])) for v in expected.variables]
    order = sorted(expected.variables, key=lambda v: -alone[v])
    assert found.names == tuple(space.variable_names[v] for v in order)
    kept = [sorted(order[: count + 1]) for count in range(len(order))]
    close(found.information_K, [0.0, *(expected.information(part) for part in kept)])
    best_MW = codes_given(model, every, {})
    codes_MW = torch.zeros_like(best_MW)
    for v in range(expected.count):  # the most probable category of the prior
        codes_MW[:, list(space.columns.values())[v].start] = float(space.variable_names[v] != "on")
    for k, v in enumerate([None, *order]):
        if v is not None:
            columns = space.columns[space.variable_names[v]]
            codes_MW[:, columns] = best_MW[:, columns]
        nats_M = -model.log_px_z(split.images(every.indices_M), codes_MW).detach()
        close(found.nats_K[k], nats_M.mean())


def binary(dataset: Dataset, count: int) -> ResidentSplit:
    images = (dataset.test.images(torch.arange(count)) > 128).to(torch.uint8) * 255
    return ResidentSplit(images, torch.zeros(count, 1).long())


def log_px_given(model: VaeRepresentation, image_CHW: Tensor, z_GW: Tensor) -> Tensor:
    """Return log p(x|z) of an image of zeros and ones at several codes, (G,)."""
    of_pixels = Bernoulli(model.decode(z_GW)).log_prob((image_CHW > 0).double().expand(1, 1, 8, 8))
    return of_pixels.flatten(1).sum(1)


@torch.no_grad()
def integrated(model: VaeRepresentation, image_CHW: Tensor) -> Tensor:
    """Return log p(x), the sum over a fine grid of one normal variable and over all categories."""
    space = space_in(model)
    grid_G1 = torch.arange(-7, 7, STEP, dtype=torch.double)[:, None]
    log_pc_A = torch.zeros(1).double()
    for v in range(len(space.discrete.variables)):
        log_pc_A = (log_pc_A[:, None] + prior(space, v).logits).flatten()
    parts: list[Tensor] = []
    for log_pc, value_C in zip(log_pc_A, space.discrete.values_of_atoms(grid_G1), strict=True):
        z_GW = torch.cat([value_C.expand(len(grid_G1), -1), grid_G1], dim=1)
        log_pz_G = Normal(0.0, 1.0).log_prob(grid_G1[:, 0])
        parts.append(log_px_given(model, image_CHW, z_GW) + log_pz_G + log_pc)
    return torch.cat(parts).logsumexp(0) + math.log(STEP)


@pytest.mark.parametrize("further", [(), (TWO,)], ids=["one", "two"])
def test_the_importance_weighted_bound_closes_on_the_integral(
    composed: Composed, toy_dataset: Dataset, further: tuple[str, ...]
):
    """log p(x) does not depend on q, so that a wrong density of the samples would show."""
    model, _ = modelled(composed, toy_dataset, "prior.dimensions=1", *further, times=1.7)
    split = binary(toy_dataset, 4)
    found, _ = log_likelihood(model, split, images=4, samples=3000, source=source())
    expected = torch.stack([integrated(model, image_CHW) for image_CHW in split.images_NCHW])
    assert found["log_likelihood"] == pytest.approx(float(expected.mean()), abs=0.05)
    assert found["log_likelihood/elbo"] < expected.mean() - 0.1


@torch.no_grad()
@pytest.mark.parametrize("overrides", DISCRETE.values(), ids=DISCRETE)
def test_the_importance_weights_are_those_of_the_enumerated_densities(
    composed: Composed, toy_dataset: Dataset, overrides: tuple[str, ...]
):
    """At the same samples."""
    model, _ = modelled(composed, toy_dataset, *overrides)
    space, split, samples = space_in(model), binary(toy_dataset, 1), 40
    found, _ = log_likelihood(model, split, images=1, samples=samples, source=source(3))
    parameters_1P = model.encode(split.images_NCHW)
    z_SW = model.sample(parameters_1P.repeat(samples, 1), source(3))
    exact, width = Enumerated(space, parameters_1P), space.discrete.width
    log_q_SA = exact.log_pairs(space.tree.variables, z_SW[:, width:])[:, 0]
    categories_SD = space.discrete.categories_of(z_SW[:, :width])
    places = [exact.values.index(tuple(row)) for row in categories_SD.tolist()]
    log_q_S = log_q_SA[torch.arange(samples), places]
    log_pz_S = Normal(0.0, 1.0).log_prob(z_SW[:, width:]).sum(1)
    for v, category_S in enumerate(categories_SD.T):
        log_pz_S = log_pz_S + prior(space, v).log_prob(category_S)
    weights_S = log_px_given(model, split.images_NCHW[0], z_SW) + log_pz_S - log_q_S
    close(found["log_likelihood"], weights_S.logsumexp(0) - math.log(samples))
    close(found["log_likelihood/elbo"], weights_S.mean())


@torch.no_grad()
@pytest.mark.parametrize("overrides", DISCRETE.values(), ids=DISCRETE)
def test_codes_have_the_most_probable_category_or_a_given_one_and_its_means(
    composed: Composed, toy_dataset: Dataset, overrides: tuple[str, ...]
):
    model, _ = modelled(composed, toy_dataset, *overrides)
    every = encode(model, toy_dataset.test, 12, source())
    given: list[dict[str, int]] = [{}]
    given += [
        {name: k} for name, values in model.category_values.items() for k in range(len(values))
    ]
    given += [dict.fromkeys(model.category_values, 1)]
    for categories in given:
        found_MW = model.code_given(every.parameters_MP, categories)
        close(found_MW, codes_given(model, every, categories))
    exact = Enumerated(space_in(model), every.parameters_MP)
    mean_MV = (exact.log_atom_NA.exp()[..., None] * exact.loc_NAV).sum(1)
    close(every.mean_MW[:, -2:], mean_MV)


@torch.no_grad()
@pytest.mark.parametrize("overrides", DISCRETE.values(), ids=DISCRETE)
def test_a_traversal_s_row_of_a_category_has_the_style_of_that_category(
    composed: Composed, toy_dataset: Dataset, overrides: tuple[str, ...]
):
    model, config = modelled(composed, toy_dataset, *overrides)
    every = encode(model, toy_dataset.test, 12, source())
    rows = traversal_rows(model, every, config.evaluation, {})
    drawn = {row.label: torch.from_numpy(row.images_TCHW) for row in rows}
    labels = [
        f"{name} = {k}"
        for name, values in model.category_values.items()
        for k in range(len(values))
    ]
    assert sorted(drawn) == sorted([*labels, "style_0", "style_1"])
    for label in labels:
        name, _, category = label.partition(" = ")
        codes_MW = codes_given(model, every, {name: int(category)})
        close(drawn[label], model.decode(codes_MW[:4]))
    z_TW = codes_given(model, every, {})[:1].repeat(4, 1)
    z_TW[:, -1] = torch.linspace(-1, 1, 4) * config.evaluation.traversal_range
    close(drawn["style_1"], model.decode(z_TW))
