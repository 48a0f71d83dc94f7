"""Settings that are valid alone but not together are refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from runner.config import RunConfig
from runner.dataset import POINTS, Dataset
from runner.errors import UsageError
from runner.model import build
from runner.objective import Objective
from runner.training import check_compatibility

MLP = "architecture=mlp"


def check(config: RunConfig, dataset: Dataset) -> None:
    model = build(
        config,
        shape=dataset.shape,
        classes=4,
        images=lambda: dataset.probe_images(torch.device("cpu")),
    )
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    check_compatibility(config, model.latents, objective, dataset)


REFUSED = [
    (("objective=ae", "prior=normal"), "objective=ae leaves q(z|x) free, but prior=normal draws"),
    (("objective=vae", "prior=code"),
     "objective=vae weighs distributions, but prior=code is a deterministic code"),
    (("objective=ae", "objective.penalties.mmd.weight=1"), "weighs distributions"),
    (("objective=ae", "objective.penalties.moments.diagonal=1"), "weighs distributions"),
    (("objective=ae", "objective.penalties.discriminator.weight=1"), "weighs distributions"),
    (("objective=ae", "++objective.group_information={z: -1}"), "weighs distributions"),
    (("objective=ae", "++objective.group_rate={z: 1}"), "weighs distributions"),
    (("objective=ae", "objective.levels=[1]"), "weighs distributions"),
    (("objective=ae", "objective.weights.dimension_wise_kl={linear: {from: 0, to: 1, over: 9}}"),
     "weighs distributions"),
    (("objective=sparse_ae", "prior=code"), "needs a code between 0 and 1"),
    (("objective=sparse_ae", "prior=quantised_code"), "needs a code between 0 and 1"),
    (("objective=qlae", "prior=code"),
     "objective.penalties.quantisation is of a quantised code, and prior=code is none"),
    (("objective=vae", "objective.penalties.commitment.weight=1"), "and prior=normal is none"),
    (("objective=decomposition_kl", "prior=concrete_normal"), "but the prior has category"),
    (("objective=hfvae", "objective.encodings=257", "batch_size=64"),
     "objective.encodings=257 is more than the 256 training images of toy"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=lambda v: str(v)[:50])
def test_incompatible_settings_are_refused(
    composed: Callable[..., RunConfig],
    toy_dataset: Dataset,
    overrides: tuple[str, ...],
    message: str,
):
    with pytest.raises(UsageError) as refused:
        check(composed(MLP, *overrides), toy_dataset)
    assert message in refused.value.message
    assert "\n" not in refused.value.message


FITTING = [
    ("objective=ae",),
    ("objective=annealed_vae",),
    ("objective=ae", "prior=normal", "objective.penalties.mmd.weight=10"),  # a Wasserstein AE
    ("objective=sparse_ae", "prior=code", "objective.penalties.sparsity.kind=l1"),
    ("objective=qlae",),
    ("objective=ae", "prior=quantised_code"),
    ("objective=vae", "objective.penalties.sparsity.weight=1"),
    ("objective=vae", "objective.penalties.contraction.weight=1"),
    ("objective=hfvae", "objective.encodings=256", "batch_size=64"),
    ("objective=ae", "prior=normal",
     "objective.weights.index_code_mi={linear: {from: 0, to: 1, over: 9}}"),
]  # fmt: skip


@pytest.mark.parametrize("overrides", FITTING, ids=" ".join)
def test_compatible_settings_are_accepted(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, overrides: tuple[str, ...]
):
    check(composed(MLP, *overrides), toy_dataset)


def test_a_network_that_normalises_over_the_minibatch_has_no_contraction(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    images = torch.zeros(256, 1, 32, 32, dtype=torch.uint8)
    split = replace(toy_dataset.train, images_NCHW=images)
    dataset = replace(toy_dataset, train=split, shape=(1, 32, 32))
    small = ("architecture=conv32", "architecture.features=4")
    check(composed(*small, "objective=ae"), dataset)
    with pytest.raises(UsageError, match="architecture=conv32 normalises over the minibatch"):
        check(composed(*small, "objective=contractive_ae"), dataset)


@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "gaussian"])
def test_points_need_a_likelihood_of_any_number(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, likelihood: str
):
    plane = replace(toy_dataset, shape=(1, 1, 2), kind=POINTS)
    with pytest.raises(UsageError, match="is no distribution over points"):
        check(composed(MLP, f"likelihood={likelihood}"), plane)
    check(composed(MLP, "likelihood=gaussian", "likelihood.mean=linear"), plane)
