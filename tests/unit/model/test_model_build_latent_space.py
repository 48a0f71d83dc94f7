"""From settings to a prior, and settings that make none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.errors import UsageError
from runner.model import LatentSpace
from runner.model.build_latent_space import build_latent_space
from runner.model.discrete import Bernoulli, Concrete
from runner.model.variables import Codes, LogNormals, Normals


def latents(config: RunConfig) -> LatentSpace:
    return build_latent_space(
        config.prior,
        shape=(1, 8, 8),
        classes=7,
        concrete_density=config.objective.concrete_density,
        images=lambda: torch.rand(20, 1, 8, 8),
    )


def test_discrete_variables_stand_first_in_the_order_of_the_settings(
    composed: Callable[..., RunConfig],
):
    got = latents(composed("++prior.discrete={shape: 3, on: bernoulli, rare: 0.1, kind: null}"))
    assert got.discrete.by_name == {
        "shape": Concrete(3), "on": Bernoulli(0.5), "rare": Bernoulli(0.1), "kind": Concrete(7),
    }  # fmt: skip
    assert got.variable_names[:5] == ("shape", "on", "rare", "kind", "z_0")
    assert list(got.columns) == list(got.variable_names)


def test_a_category_and_further_discrete_variables(composed: Callable[..., RunConfig]):
    got = latents(composed("prior=concrete_normal", "++prior.discrete={on: bernoulli}"))
    assert got.group_names == ("category", "on", "style")


@pytest.mark.parametrize(
    ("name", "kind"), [("normal", Normals), ("log_normal", LogNormals), ("code", Codes)]
)
def test_the_kind_of_the_continuous_variables(
    composed: Callable[..., RunConfig], name: str, kind: type
):
    assert type(latents(composed(f"prior={name}")).continuous) is kind


def test_groups_within_groups_come_from_the_settings(composed: Callable[..., RunConfig]):
    got = latents(composed("prior=nested"))
    assert got.group_names == ("left", "right")
    assert [child.variables for child in got.tree.children[1].children] == [(4, 5), (6, 7)]


@pytest.mark.parametrize("value", ["1", "0", "1.5", "coin", "true", "0.0", "[2]"])
def test_a_value_that_means_no_variable_is_refused(composed: Callable[..., RunConfig], value: str):
    with pytest.raises(UsageError, match=r"^prior\.discrete\.x must be a number of categories"):
        latents(composed(f"++prior.discrete={{x: {value}}}"))


def test_too_many_combinations_are_refused_for_a_sum_alone(composed: Callable[..., RunConfig]):
    words = "++prior.discrete={a: 20, b: 20, c: 20}"
    with pytest.raises(UsageError, match="8,000 combinations of values, too many") as refused:
        latents(composed(words))
    assert refused.value.hint == "objective.concrete_density=relaxed samples them instead"
    assert latents(composed(words, "objective.concrete_density=relaxed")).discrete.atoms == 8000


def test_a_code_takes_no_discrete_variables(composed: Callable[..., RunConfig]):
    with pytest.raises(UsageError, match=r"takes no prior\.discrete"):
        latents(composed("prior=code", "++prior.discrete={a: 2}"))


def test_two_variables_of_one_name_are_refused(composed: Callable[..., RunConfig]):
    with pytest.raises(
        UsageError, match=r"prior\.discrete\.z_1 has the name of a continuous variable"
    ):
        latents(composed("++prior.discrete={z_1: 3}"))


def test_a_scheduled_temperature_waits_for_its_step(composed: Callable[..., RunConfig]):
    plan = "prior.temperature={linear: {from: 1, to: 0.5, over: 10}}"
    got = latents(composed("prior=concrete_normal", plan))
    assert latents(composed("prior=concrete_normal")).discrete.temperature == 0.66
    assert isinstance(got.discrete.temperature, float)


def test_an_unknown_prior_is_refused(composed: Callable[..., RunConfig]):
    config = composed("prior=normal")
    config.prior.name = "nromal"
    with pytest.raises(UsageError, match="'nromal'") as error:
        latents(config)
    assert error.value.hint == "did you mean 'normal'?"
