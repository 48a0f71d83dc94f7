"""Groups, names and columns of the latent space."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from runner.config import RunConfig
from runner.errors import UsageError
from runner.model.prior import Prior, build_prior


def prior(config: RunConfig) -> Prior:
    return build_prior(config.prior, classes=7, concrete_density="exact")


@pytest.mark.parametrize(
    ("size", "names"),
    [
        (10, ("z",)),
        (2, ("z_0-1", "z_2-3", "z_4-5", "z_6-7", "z_8-9")),
        (1, tuple(f"z_{i}" for i in range(10))),
    ],
)
def test_one_override_regroups_the_normals(
    composed: Callable[..., RunConfig], size: int, names: tuple[str, ...]
):
    got = prior(composed("prior=normal", f"prior.group_size={size}"))
    assert got.group_names == names
    assert [g.stop - g.start for g in got.groups] == [size] * (10 // size)
    assert got.width == 10
    assert got.parameters == 20


def test_concrete_normal_takes_the_dataset_s_classes_unless_told(
    composed: Callable[..., RunConfig],
):
    got = prior(composed("prior=concrete_normal"))
    assert got.group_names == ("category", "style")
    assert got.columns["category"] == slice(0, 7)
    assert got.columns["style_0"] == slice(7, 8)
    assert got.columns["style_9"] == slice(16, 17)
    told = prior(composed("prior=concrete_normal", "prior.categories=4"))
    assert told.columns["category"] == slice(0, 4)


def test_densities_are_gathered_by_group(composed: Callable[..., RunConfig]):
    got = prior(composed("prior=concrete_normal", "prior.group_size=2", "prior.dimensions=4"))
    encodings = torch.randn(6, got.parameters)
    z = got.sample(encodings, got.noise(6, torch.Generator().manual_seed(0)))
    densities = got.densities(z, encodings, encodings)
    assert [g.log_qz_x_VABM.shape for g in densities.groups] == [
        (1, 7, 6, 6),
        (2, 1, 6, 6),
        (2, 1, 6, 6),
    ]
    assert densities.atoms_AB.shape == (7, 6)
    torch.testing.assert_close(densities.atoms_AB.sum(0), torch.ones(6))
    for group in densities.groups:
        torch.testing.assert_close(
            group.log_qz_x_VABM.diagonal(dim1=-2, dim2=-1), group.log_qz_x_VAB
        )


def test_unknown_prior_is_refused(composed: Callable[..., RunConfig]):
    config = composed("prior=normal").prior
    config.name = "nromal"
    with pytest.raises(UsageError, match="unknown prior 'nromal'") as error:
        build_prior(config, classes=3, concrete_density="exact")
    assert error.value.hint == "did you mean 'normal'?"
