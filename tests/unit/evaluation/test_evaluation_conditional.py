"""Information of a conditional posterior q(c, z|x) over whole sets of images, against sums over c.

Shapes: M samples of as many images, N encodings behind q(z), A joint categories of c, V variables,
S sets of them, W columns of z, F factors, K values of a discrete variable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from runner.evaluation.encodings import Encodings
from runner.evaluation.information import decompose_all, set_information
from runner.evaluation.kept_variables import ratios_alone, ratios_together
from runner.evaluation.mig_density import gap_information
from runner.evaluation.row_chunks import RowChunk, row_chunks
from runner.model.conditional import ConditionalSpace
from runner.model.discrete import Discrete
from tests.unit.evaluation.conditional_expectations import Expected, close, prior, source
from tests.unit.model.conditional_enumeration import NORMALS, ONE, TWO, space_of

IMAGES = 80
BEHIND = {"whole": (0, IMAGES), "sampled": (0, 1000), "further": (9, IMAGES + 9)}
"""Further encodings behind q(z), and the images that all of them stand for."""

WIDENINGS = (1, 2, 4, 8, 16, 32)

Case = tuple[ConditionalSpace, Encodings, Expected]


@pytest.fixture(params=[ONE, TWO], ids=["one", "two"])
def case(request: pytest.FixtureRequest) -> Case:
    """Random encodings, and two factors: one of z_0 alone, and one of c and z_1 together."""
    return made(request.param, *BEHIND["sampled"])


def made(discrete: Mapping[str, Discrete], further: int, images: int) -> Case:
    space, draws = space_of(discrete), source(1)
    shape = (IMAGES + further, space.parameter_count)
    behind = 1.5 * torch.randn(shape, generator=draws, dtype=torch.double)
    width = space.discrete.width
    behind[:, width:].unflatten(1, (-1, 2, NORMALS))[:, :, 1] /= 3
    own = behind[:IMAGES]
    z_MW = space.discretise(space.sample(own, space.noise(IMAGES, draws).double()))
    above = (z_MW[:, width : width + 2] > 0).long()
    even = z_MW[:, 0:width:2].sum(1).long() % 2
    every = Encodings(
        indices_M=torch.arange(IMAGES),
        parameters_MP=own,
        z_MW=z_MW,
        mean_MW=space.posterior_mean(own),
        log_px_z_M=-torch.linspace(50, 90, IMAGES).double(),
        factors_MF=torch.stack([above[:, 0], 2 * above[:, 1] + even], dim=1),
        dataset_size=images,
        rest_KP=behind[IMAGES:] if further else None,
    )
    return space, every, Expected(space, every)


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("discrete", [ONE, TWO], ids=["one", "two"])
def test_the_terms_of_a_whole_set_are_those_of_the_enumerated_posterior(
    discrete: Mapping[str, Discrete], behind: tuple[int, int]
):
    space, every, expected = made(discrete, *behind)
    found = decompose_all(space, every)
    groups = [group.variables for group in space.tree.children]
    log_q, mean = expected.log_q, expected.mean
    joint, of_groups = mean(log_q(expected.variables)), [mean(log_q(group)) for group in groups]
    singles = [mean(log_q([v])) for v in expected.variables]
    log_p = [mean(expected.log_p(v).expand_as(expected.share_MA)) for v in expected.variables]
    terms = {
        "reconstruction": torch.tensor(70.0),
        "index_code_mi": expected.information(expected.variables),
        "group_total_correlation": joint - sum(of_groups),
        "within_group_total_correlation": sum(of_groups) - torch.stack(singles).sum(),
        "dimension_wise_kl": torch.stack(singles).sum() - torch.stack(log_p).sum(),
    }
    assert found.terms.keys() == terms.keys()
    for name, value in terms.items():
        close(found.terms[name], value)
    close(found.elbo, -sum(terms.values()))
    close([*found.variable.values()], [expected.information([v]) for v in expected.variables])
    close([*found.group.values()], [expected.information(group) for group in groups])
    close([*found.rate.values()], [rate(expected, v) for v in expected.variables])


def rate(expected: Expected, v: int) -> Tensor:
    """Return the mean of KL(q(c_v|x)||p(c_v)), or of log q(z_v|x) - log p(z_v)."""
    if v >= expected.count:
        return (expected.log_own([v])[:, :1] - expected.log_p(v)).mean()
    of_own = Categorical(logits=expected.exact.tables[v].logits[: len(expected.own_M)])
    return kl_divergence(of_own, prior(expected.space, v)).mean()


def averaged(
    space: ConditionalSpace, every: Encodings, ratios: Callable[[RowChunk], Iterator[Tensor]]
) -> list[Tensor]:
    chunks = [[*ratios(chunk)] for chunk in row_chunks(space, every, len(every))]
    assert len(chunks) > 1
    return [torch.cat(parts).mean() for parts in zip(*chunks, strict=True)]


def test_variables_kept_alone_have_the_information_of_the_enumerated_posterior(case: Case):
    space, every, expected = case
    found = averaged(space, every, ratios_alone)
    close(found, [expected.information([v]) for v in expected.variables])


@pytest.mark.parametrize("step", [1, -1], ids=["discrete_first", "normals_first"])
def test_variables_kept_together_have_the_information_of_the_enumerated_posterior(
    case: Case, step: int
):
    space, every, expected = case
    order = expected.variables[::step]
    found = averaged(space, every, partial(ratios_together, order=order))
    kept = [order[: count + 1] for count in range(len(order))]
    close(found, [expected.information(part) for part in kept])


def alike(factors_M: Tensor) -> Tensor:
    """Return whether two images have the same value of a factor, (M, M)."""
    return factors_M[:, None] == factors_M


def test_the_gap_of_densities_has_the_information_of_the_enumerated_posterior(case: Case):
    space, every, expected = case
    found_VF = gap_information(space, every, samples=IMAGES, source=source())
    assert (found_VF.amax(0) > 0.1).all()
    for f, values_M in enumerate(every.factors_MF.T):
        same_MM = alike(values_M)
        for v in expected.variables[: expected.count]:
            q_MK = expected.exact.tables[v].probs
            given_MK = same_MM.double() @ q_MK / same_MM.sum(1, keepdim=True)
            close(found_VF[v, f], (q_MK * (given_MK / q_MK.mean(0)).log()).sum(1).mean())
        for v in expected.variables[expected.count :]:
            log_ratio_MA = expected.log_q([v], same_MM) - expected.log_q([v])
            close(found_VF[v, f], expected.mean(log_ratio_MA).clamp_min(0))


def test_information_on_factors_is_the_bound_of_the_enumerated_posterior(case: Case):
    """Of groups, of single variables, of a category and a normal, and of all variables."""
    space, every, expected = case
    sets = [group.variables for group in space.tree.children]
    sets += [(v,) for v in expected.variables]
    both = (0, expected.count + 1)
    sets += [both, (expected.count - 1, *expected.variables[-2:]), expected.variables]
    found_SF, errors_SF = set_information(space, every, [2, 4], sets)
    for s, part in enumerate(sets):
        for f in range(2):
            information, error = bound(expected, part, f)
            close(found_SF[s][f], information)
            close(errors_SF[s][f], error)
    together, *alone = (found_SF[sets.index(part)][1] for part in (both, both[:1], both[1:]))
    assert together > max(alone) + 0.1


def bound(expected: Expected, part: Sequence[int], f: int) -> tuple[Tensor, Tensor]:
    """Return H(factor) + E log q(factor|s) without the own encodings, and its standard error."""
    values_M = expected.factors_MF[:, f]
    log_MMA = expected.log_pairs(part)
    log_MMA[expected.own_M, expected.own_M] = -torch.inf
    samples: list[Tensor] = []
    for width in WIDENINGS:
        every_MMA = log_MMA / width
        same_MMA = every_MMA.masked_fill(~alike(values_M)[..., None], -torch.inf)
        log_share_MA = same_MMA.logsumexp(1) - every_MMA.logsumexp(1)
        samples.append((expected.share_MA * log_share_MA).sum(1))
    best_M = max(samples, key=lambda of_width_M: float(of_width_M.mean()))
    entropy = Categorical(torch.bincount(values_M).double()).entropy()
    error = best_M.std() / math.sqrt(len(best_M))
    return (entropy + best_M.mean()).clamp_min(0), error


def test_means_at_a_category_are_those_of_its_component(case: Case):
    space, every, expected = case
    exact = expected.exact
    values_AC = space.discrete.values_of_atoms(every.z_MW)
    categories_AD = space.discrete.categories_of(values_AC).tolist()
    for value_C, categories_D in zip(values_AC, categories_AD, strict=True):
        found_MW = space.mean_given(every.parameters_MP, value_C.expand(IMAGES, -1))
        a = exact.values.index(tuple(categories_D))
        close(found_MW, torch.cat([value_C.expand(IMAGES, -1), exact.loc_NAV[:, a]], dim=1))
