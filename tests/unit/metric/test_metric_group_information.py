"""Mutual information of groups and factors: other estimates, known values, and its noise."""

from __future__ import annotations

import numpy as np
import pytest
from grouped_codes import turned
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif

from runner.errors import UsageError
from runner.metric import Codes, Variable, stream
from runner.metric.group_information import group_information
from runner.metric.histogram import mutual_information


def information(codes: Codes, **settings: int):
    """Return the table of groups and factors."""
    given = {"samples": 5000, "neighbours": 3, "seed": 0, **settings}
    return group_information(codes, **given).information_GF


@pytest.mark.parametrize("neighbours", [1, 4])
def test_of_a_single_variable_it_is_the_estimate_of_scikit_learn(neighbours: int):
    """With many images for each value: with few, its distances are rounded."""
    source = np.random.default_rng(0)
    factor = source.integers([4, 12], size=(300, 2))
    codes_ND = source.normal(size=(300, 2)) + factor
    found = information(Codes.of(codes_ND, factor), neighbours=neighbours)
    drawn = Codes.of(codes_ND, factor).distinct(5000, stream(0, "group_information"))
    for f in range(2):
        plain = mutual_info_classif(
            drawn.codes_MD, drawn.factors_MF[:, f], n_neighbors=neighbours, random_state=0
        )
        assert found[:, f] == pytest.approx(plain, abs=1e-9)


def test_of_two_variables_it_is_the_plain_definition():
    source = np.random.default_rng(1)
    factor = source.integers(3, size=60)
    codes_ND = source.normal(size=(60, 2)) + factor[:, None]
    total = 0.0
    for i in range(60):
        distance = np.linalg.norm(codes_ND - codes_ND[i], axis=1)
        same = np.sort(distance[factor == factor[i]])
        inside = np.sum(distance <= same[2]) - 1
        total += digamma(60) - digamma(len(same)) + digamma(2) - digamma(inside)
    codes = Codes.of(codes_ND, factor, groups={"both": ["z_0", "z_1"]})
    assert information(codes, neighbours=2)[0, 0] == pytest.approx(total / 60, abs=1e-12)


def test_gaussians_with_known_information():
    """Two normals, two standard deviations apart along a diagonal: numerical integration."""
    source = np.random.default_rng(2)
    factor = source.integers(2, size=4000)
    codes_ND = source.normal(size=(4000, 3))
    codes_ND[:, :2] += np.sqrt(2) * factor[:, None]
    line = np.linspace(-10, 12, 20_001)
    low, high = (np.exp(-((line - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (0, 2))
    half = (low + high) / 2
    truth = np.sum((low * np.log(low / half) + high * np.log(high / half)) / 2) * (
        line[1] - line[0]
    )
    whole = Codes.of(codes_ND, factor, groups={"all": ["z_0", "z_1", "z_2"]})
    assert information(whole)[0, 0] == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("dimensions", [1, 6])
def test_independent_groups_have_none_however_many_columns(dimensions: int):
    source = np.random.default_rng(3)
    codes_ND, factors = source.normal(size=(2000, dimensions)), source.integers(10, size=(2000, 4))
    whole = {"all": [f"z_{d}" for d in range(dimensions)]}
    found = group_information(
        Codes.of(codes_ND, factors, groups=whole), samples=2000, neighbours=3, seed=0
    )
    assert found.information_GF.max() < 2 / np.sqrt(2000)
    assert found.significant_GF.max() == 0


def test_a_group_that_determines_a_factor_has_its_entropy():
    found = group_information(turned(), samples=1500, neighbours=3, seed=0)
    assert found.factor_names == ("a", "b", "c")
    assert found.information_GF[0, :2] == pytest.approx(found.entropy_F[:2], abs=1e-3)
    assert found.information_GF[1, 2] == pytest.approx(found.entropy_F[2], abs=1e-3)
    assert found.entropy_F == pytest.approx(np.log(3), abs=0.01)


def test_a_discrete_variable_has_what_its_table_of_counts_says():
    source = np.random.default_rng(4)
    factor = source.integers(4, size=2000)
    category = np.where(source.random(2000) < 0.6, factor, source.integers(4, size=2000))
    share_NK = np.eye(4)[category] * 0.4 + 0.15 + 0.01 * source.random((2000, 4))
    codes = Codes.of(share_NK, factor, variables=[Variable("kind", slice(0, 4))])
    counted = mutual_information(category[:, None], factor[:, None])[0, 0]
    assert information(codes)[0, 0] == pytest.approx(counted, abs=0.003)


def test_a_category_and_a_number_tell_together_what_neither_does_alone():
    source = np.random.default_rng(5)
    category, side = source.integers(2, size=(2, 1500))
    codes_ND = np.column_stack([np.eye(2)[category], side + 0.1 * source.normal(size=1500)])
    variables = [Variable("kind", slice(0, 2)), Variable("x", slice(2, 3))]
    together = {"groups": {"both": ["kind", "x"]}}
    either = Codes.of(codes_ND, category ^ side, variables=variables)
    both = Codes.of(codes_ND, category ^ side, variables=variables, **together)
    assert information(either).max() < 0.06
    assert information(both)[0, 0] == pytest.approx(np.log(2), abs=0.01)


def test_images_on_a_lattice_count_as_equally_far():
    """Of a 3 x 3 lattice, and the nearest with the same row: the others at that distance count."""
    factors = np.array([(i, j) for i in range(3) for j in range(3)])
    codes = Codes.of(factors * 0.1, factors[:, 0], groups={"both": ["z_0", "z_1"]})
    corner = digamma(1) - digamma(2)  # one of the same row among two that are as near
    edge_of_row = digamma(2) - digamma(3)  # the middle of an outer row
    end_of_middle, centre = digamma(1) - digamma(3), digamma(2) - digamma(4)
    expected = digamma(9) - digamma(3)
    expected += (4 * corner + 2 * edge_of_row + 2 * end_of_middle + centre) / 9
    assert information(codes, neighbours=1)[0, 0] == pytest.approx(max(expected, 0), abs=1e-12)
    assert expected > 0


def test_values_of_a_single_image_are_left_out():
    source = np.random.default_rng(6)
    factor = source.integers(2, size=200)
    codes_N = source.normal(size=200) + factor
    lone = Codes.of(np.append(codes_N, [0.5, 0.6]), np.append(factor, [7, 8]))
    assert information(lone) == pytest.approx(information(Codes.of(codes_N, factor)), abs=1e-12)


def test_constant_codes_have_no_information_and_unique_values_no_estimate():
    assert information(Codes.of(np.ones(20), np.arange(20) % 2)).max() == 0
    with pytest.raises(UsageError, match="no value of a varying factor has two of the 20 images"):
        information(Codes.of(np.arange(20.0), np.arange(20)))
