"""Pairs of a minibatch: which posteriors are averaged, and that nothing else knows of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.config.rules import validate
from runner.dataset import Dataset, ResidentSplit
from runner.errors import UsageError
from runner.model import LatentSpace, build
from runner.model.discrete import Bernoulli, Concrete
from runner.objective import Objective
from runner.training import TrainingState, check_compatibility, train, validation_loss
from runner.training.batch import Batch
from runner.training.pairs import average_pairs
from runner.training.randomness import PairSampler, new_sampler
from runner.training.source import Source
from runner.training.step import step
from tests.conftest import prior_of
from tests.paired_images import with_second_factor

CPU = torch.device("cpu")
SMALL = (
    "dataset=digits", "architecture=mlp", "architecture.widths=[8]", "prior.dimensions=4",
    "batch_size=16", "training.record_every=1", "steps=6",
)  # fmt: skip


def drawn(latents: LatentSpace, images: int = 8, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(images, latents.parameter_count, generator=source, dtype=torch.float64)


def by_loops(parameters: np.ndarray, variables: int, how: str) -> np.ndarray:
    """The averages of normal variables, an image and a variable at a time."""
    expected = parameters.copy()
    for first in range(0, len(parameters), 2):
        kl = []
        for v in range(variables):
            m1, m2 = parameters[first, v], parameters[first + 1, v]
            s1, s2 = (math.exp(parameters[first + i, variables + v]) for i in (0, 1))
            kl.append(math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5)
        for v in range(variables):
            if kl[v] >= (min(kl) + max(kl)) / 2:
                continue
            m1, m2 = parameters[first, v], parameters[first + 1, v]
            s1, s2 = (math.exp(parameters[first + i, variables + v]) for i in (0, 1))
            if how == "gvae":
                mean, variance = (m1 + m2) / 2, (s1**2 + s2**2) / 2
            else:
                variance = 2 / (1 / s1**2 + 1 / s2**2)
                mean = (m1 / s1**2 + m2 / s2**2) * variance / 2
            for row in (first, first + 1):
                expected[row, v] = mean
                expected[row, variables + v] = math.log(variance) / 2
    return expected


@pytest.mark.parametrize("how", ["gvae", "ml_vae"])
def test_normal_variables_are_averaged_as_a_loop_would(how: str):
    latents = prior_of(normals=5)
    parameters_BP = drawn(latents, images=20)
    got = average_pairs(latents, parameters_BP, how)
    expected = by_loops(parameters_BP.numpy(), 5, how)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-10, atol=1e-10)
    averaged = got != parameters_BP
    assert 0 < float(averaged.double().mean()) < 1


@pytest.mark.parametrize("how", ["gvae", "ml_vae"])
def test_discrete_variables_are_averaged_beside_normal_ones(how: str):
    latents = prior_of({"shape": Concrete(3), "bold": Bernoulli(0.5)}, normals=2)
    near = torch.tensor([[1.0, 0, -1, 0.5, 0.2, 3.0, 0.0, 0.1]], dtype=torch.float64)
    other = torch.tensor([[0.0, 1, -1, -0.5, 0.3, -3.0, 0.1, 0.0]], dtype=torch.float64)
    got = average_pairs(latents, torch.cat([near, other]), how)
    # z_1 alone is far apart: all others are shared, with one posterior for both images.
    torch.testing.assert_close(got[0, :5], got[1, :5])
    torch.testing.assert_close(got[:, [5, 7]], torch.cat([near, other])[:, [5, 7]])
    one, second = near[0, :3].softmax(0), other[0, :3].softmax(0)
    mean = (one + second) / 2 if how == "gvae" else (one * second).sqrt()
    torch.testing.assert_close(got[0, :3].softmax(0), mean / mean.sum())
    torch.testing.assert_close(torch.sigmoid(got[0, 3]), torch.tensor(0.5).double())


def test_a_category_that_differs_is_left_alone():
    latents = prior_of({"shape": Concrete(3)}, normals=2)
    one = torch.tensor([[9.0, 0, 0, 0.1, 0.2, 0.0, 0.0]], dtype=torch.float64)
    other = torch.tensor([[0.0, 9, 0, 0.2, 0.1, 0.0, 0.0]], dtype=torch.float64)
    got = average_pairs(latents, torch.cat([one, other]), "gvae")
    torch.testing.assert_close(got[:, :3], torch.cat([one, other])[:, :3])
    torch.testing.assert_close(got[:, 3:5], torch.full((2, 2), 0.15).double())


@pytest.mark.parametrize("how", ["gvae", "ml_vae"])
def test_gradients_flow_through_the_averages(how: str):
    latents = prior_of({"shape": Concrete(3)}, normals=3)
    parameters_BP = drawn(latents, images=6).requires_grad_()
    torch.autograd.gradcheck(lambda p: average_pairs(latents, p, how), (parameters_BP,))


def test_float32_is_as_good_as_its_digits():
    latents = prior_of(normals=6)
    parameters_BP = drawn(latents, images=200)
    for how in ("gvae", "ml_vae"):
        exact = average_pairs(latents, parameters_BP, how)
        single = average_pairs(latents, parameters_BP.float(), how).double()
        assert float((exact - single).abs().max()) < 1e-6


def paired(composed: Callable[..., RunConfig], *words: str) -> RunConfig:
    return composed(*SMALL, "objective=ada_gvae", *words)


def begun(config: RunConfig, dataset: Dataset) -> tuple[TrainingState, Objective]:
    model = build(config, shape=dataset.shape, classes=dataset.classes)
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    check_compatibility(config, model.latents, objective, dataset)
    return TrainingState.fresh(model, config), objective


def test_rows_of_a_batch_are_pairs_of_this_step_and_seed(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    dataset = with_second_factor(toy_dataset)

    def batch(step: int, *words: str, purpose: str = "order") -> Tensor:
        sampler = new_sampler(dataset, paired(composed, *words), CPU, purpose)
        assert isinstance(sampler, PairSampler)
        return sampler.batch(step)

    got = batch(3)
    assert got.shape == (16,)
    first, second = dataset.train.factors(got).unflatten(0, (-1, 2)).unbind(1)
    assert (first != second).sum(1).tolist() == [1] * 8
    assert torch.equal(got, batch(3))
    for other in (batch(4), batch(3, "seed=1"), batch(3, purpose="other order")):
        assert not torch.equal(got, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_sees_the_same_pairs(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    dataset, cuda = with_second_factor(toy_dataset), torch.device("cuda")
    every = torch.arange(dataset.train.size)
    images, factors = dataset.train.images(every), dataset.train.factors(every)
    there = replace(dataset, train=ResidentSplit(images.to(cuda), factors.to(cuda)))
    on_gpu = new_sampler(there, paired(composed), cuda, "order").batch(3)
    assert on_gpu.device.type == "cuda"
    assert torch.equal(on_gpu.cpu(), new_sampler(dataset, paired(composed), CPU, "order").batch(3))


def test_first_images_are_every_image_once(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    sampler = new_sampler(with_second_factor(toy_dataset), paired(composed), CPU, "order")
    first = torch.cat([sampler.batch(step)[::2] for step in range(256 // 8)])
    assert sorted(first.tolist()) == list(range(256))


@pytest.mark.parametrize(
    "words",
    [
        ("objective=ada_ml_vae",),
        ("objective=factor_vae", "objective.pairs.posterior=gvae"),
        (
            "objective=hfvae",
            "objective.encodings=40",
            "objective.pairs={posterior: gvae, differ: random}",
        ),
    ],
    ids=lambda words: words[0],
)
def test_training_that_goes_on_is_training_that_never_stopped(
    composed: Callable[..., RunConfig], toy_dataset: Dataset, words: Sequence[str]
):
    dataset = with_second_factor(toy_dataset)
    config = composed(*SMALL, *words)
    whole, objective = begun(config, dataset)
    expected = list(train(whole, objective, dataset, config, 6))
    part, _ = begun(config, dataset)
    records = list(train(part, objective, dataset, config, 2))
    again, _ = begun(config, dataset)
    again.restore(part.tensors(), 2)
    records += list(train(again, objective, dataset, config, 6))
    assert records == expected
    for name, tensor in whole.tensors()["model"].items():
        assert torch.equal(again.tensors()["model"][name], tensor)


def test_the_step_is_that_of_averaged_posteriors(
    composed: Callable[..., RunConfig], toy_dataset: Dataset
):
    """With averages computed beforehand, a step without pairs has the same figures."""
    dataset = with_second_factor(toy_dataset)
    config = paired(composed, "beta=3")
    state, objective = begun(config, dataset)
    plan, weights_S = objective.plan, objective.weights(0)
    source = Source(state.model, plan, dataset, dataset.train, config)
    batch = source.batch(torch.arange(16), 0, weights_S.float())
    together = step(state.model, plan, weights_S, batch, with_terms=True)
    given = average_pairs(state.model.latents, state.model.encode(batch.inputs_BCHW), "gvae")
    state.model.encode = lambda *_: given  # type: ignore[method-assign]
    single = plan.of_single_images
    alone = step(state.model, single, weights_S, batch, with_terms=True)
    assert plan.pairs == "gvae"
    assert single.pairs is None
    torch.testing.assert_close(together.loss, alone.loss)
    assert together.decomposition is not None
    assert alone.decomposition is not None
    torch.testing.assert_close(
        together.decomposition.terms.stack(), alone.decomposition.terms.stack()
    )


def test_labels_do_not_reach_the_step(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    dataset = with_second_factor(toy_dataset)
    config = paired(composed)
    state, objective = begun(config, dataset)
    source = Source(state.model, objective.plan, dataset, dataset.train, config)
    batch = source.batch(torch.arange(16), 0, objective.weights(0).float())
    assert isinstance(batch, Batch)
    assert batch.labels_B is None
    assert batch.is_labelled_B is None


def test_validation_is_of_single_images(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    dataset = with_second_factor(toy_dataset)
    losses = []
    for words in (("objective=ada_gvae", "beta=2"), ("objective=beta_vae", "beta=2")):
        config = composed(*SMALL, *words)
        state, objective = begun(config, dataset)
        losses.append(validation_loss(state, objective, dataset, dataset.test, config))
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prior=code", "beta=0"), "is a deterministic code"),
        (("prior=concrete_normal", "architecture.conditional=true"), "one variable at a time"),
        (("objective.pairs.differ=2",), "leaves none of the 2 factors of toy equal"),
    ],
)
def test_what_cannot_be_averaged_or_drawn_is_refused(
    composed: Callable[..., RunConfig],
    toy_dataset: Dataset,
    words: Sequence[str],
    message: str,
):
    with pytest.raises(UsageError, match=message):
        begun(paired(composed, *words), with_second_factor(toy_dataset))


def test_images_of_one_factor_are_refused(composed: Callable[..., RunConfig], toy_dataset: Dataset):
    with pytest.raises(UsageError, match="two factors or more, and toy has label alone"):
        begun(paired(composed), toy_dataset)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("batch_size=15", "batch_size must be even, since objective.pairs makes pairs"),
        ("objective.pairs.differ=0", "objective.pairs.differ must be at least 1, got 0"),
        ("objective.pairs.differ=most", "must be a whole number, or random"),
        ("objective.pairs.posterior=vae", "must be one of none, gvae, ml_vae, got 'vae'"),
    ],
)
def test_settings_that_make_no_pairs_are_refused(
    composed: Callable[..., RunConfig], word: str, message: str
):
    with pytest.raises(UsageError, match=message):
        validate(paired(composed, word))
