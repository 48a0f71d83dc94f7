"""The loss of images whose class is known, against torch.distributions; alone and in a pack."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from runner.dataset import Dataset, set_aside
from runner.errors import UsageError
from runner.model import VAE, build
from runner.objective import Objective
from runner.training import check_compatibility, train, validation_loss
from runner.training.batch import Batch
from runner.training.packed import pack_key, train_pack
from runner.training.penalties import active_penalties
from runner.training.source import Source
from runner.training.supervision import bound_given_class, labelled_batch_size, with_class
from tests.labelled import CPU, MODELS, SMALL, Composed, labelled, member


def bound(model: VAE, batch: Batch, classification: float) -> Tensor:
    return bound_given_class(with_class(model, model.latents, batch), classification)


def by_definition(model: VAE, batch: Batch, weight: float) -> Tensor:
    """Return the loss of every image, one by one."""
    images, noise, classes = batch.labelled_images_LCHW, batch.labelled_noise_LW, batch.classes_L
    assert images is not None
    assert noise is not None
    assert classes is not None
    losses: list[Tensor] = []
    for image, epsilon, k in zip(images, noise, classes.tolist(), strict=True):
        parameters = model.encoder(image[None])[0]
        logits, rest = parameters[:4], parameters[4:]
        loc, log_scale = (rest.reshape(-1, 2, 3)[k if len(rest) > 6 else 0]).unbind()
        z = torch.cat([torch.eye(4).double()[k], loc + log_scale.exp() * epsilon[4:]])
        log_px = Bernoulli(logits=model.decoder(z[None]), validate_args=False).log_prob(image).sum()
        kl = kl_divergence(Normal(loc, log_scale.exp()), Normal(torch.zeros(3).double(), 1.0)).sum()
        log_p = Categorical(logits=torch.zeros(4).double()).log_prob(torch.tensor(k))
        log_q = Categorical(logits=logits).log_prob(torch.tensor(k))
        losses.append(-log_px + kl - log_p - weight * log_q)
    return torch.stack(losses)


@pytest.mark.parametrize("kind", MODELS)
def test_it_is_the_bound_given_the_class_and_the_classification(composed: Composed, kind: str):
    model = build(composed(*SMALL, *MODELS[kind]), shape=(1, 8, 8), classes=4).double()
    batch = labelled(model)
    expected = by_definition(model, batch, 2.5)
    got = bound(model, batch, 2.5)
    torch.testing.assert_close(got, expected.mean(), rtol=1e-10, atol=1e-10)
    unknown = replace(batch, classes_L=torch.tensor([0, -1, 2, -1, 0]))
    got = bound(model, unknown, 2.5)
    torch.testing.assert_close(got, expected[[0, 2, 4]].mean(), rtol=1e-10, atol=1e-10)
    none = replace(batch, classes_L=torch.full((5,), -1))
    assert float(bound(model, none, 2.5).detach()) == 0


def test_its_gradient_is_that_of_finite_differences(composed: Composed):
    config = composed(*SMALL, *MODELS["conditional"], "architecture.activation=tanh")
    model = build(config, shape=(1, 8, 8), classes=4).double()
    batch = labelled(model)
    bound(model, batch, 2.5).backward()
    for parameter in (model.encoder[-1].bias, model.decoder[0].bias):
        assert parameter.grad is not None
        for i in range(0, len(parameter), 5):
            ends: list[float] = []
            for step in (1e-6, -1e-6):
                with torch.no_grad():
                    parameter[i] += step
                    ends.append(float(bound(model, batch, 2.5)))
                    parameter[i] -= step
            assert float(parameter.grad[i]) == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-5)


def test_it_needs_labelled_images(composed: Composed, toy_dataset: Dataset):
    config = composed(*SMALL)
    model = build(config, shape=(1, 8, 8), classes=4)
    none = torch.zeros(0)
    with pytest.raises(ValueError, match="whose class is known"):
        bound(model, Batch(none, none, none), 1)
    objective = Objective.from_config(config, model.latents.tree, 256)
    with pytest.raises(ValueError, match="which classes are known"):
        Source(model, objective.plan, toy_dataset, toy_dataset.train, config)


def test_labels_switch_it_on_and_a_weight_of_zero_off(composed: Composed, toy_dataset: Dataset):
    names = {
        labels: active_penalties(member(composed(*SMALL, *labels), toy_dataset).objective)
        for labels in (("labels=12",), ("labels=null",),
                       ("labels=12", "objective.penalties.supervision.weight=0"))
    }  # fmt: skip
    assert list(names.values()) == [("supervision",), (), ()]


def test_labels_that_nothing_reads_are_refused(composed: Composed, toy_dataset: Dataset):
    config = composed(*SMALL, "objective.penalties.supervision.weight=0")
    run = member(config, toy_dataset)
    with pytest.raises(UsageError, match="labels=12 has no effect"):
        check_compatibility(config, run.state.model.latents, run.objective, run.dataset)
    config = composed(*SMALL)
    run = member(config, toy_dataset)
    check_compatibility(config, run.state.model.latents, run.objective, run.dataset)


def test_the_labelled_images_of_a_step_depend_on_seed_and_step_alone(
    composed: Composed, toy_dataset: Dataset
):
    run = member(composed(*SMALL, "objective.penalties.supervision.images=5"), toy_dataset)
    weights, indices = run.objective.weights(0), torch.arange(16)

    def batches(*steps: int) -> list[Batch]:
        of = (run.state.model, run.objective.plan, run.dataset, run.dataset.train, run.config)
        source = Source(*of)
        return [source.batch(indices, step, weights) for step in steps]

    (late,) = batches(7)
    *_, again = batches(0, 3, 7)
    early = batches(6)[0]
    for name in ("labelled_images_LCHW", "classes_L", "labelled_noise_LW"):
        assert torch.equal(getattr(late, name), getattr(again, name))
        assert len(getattr(late, name)) == 5
    assert not torch.equal(late.labelled_noise_LW, early.labelled_noise_LW)  # pyright: ignore
    known = run.dataset.train.images(run.dataset.labelled_K) / 255  # pyright: ignore
    matches = (known[:, None] == early.labelled_images_LCHW[None]).flatten(2).all(2)  # pyright: ignore
    assert bool(matches.any(0).all())


def test_all_of_few_labels_are_in_every_step(composed: Composed):
    assert labelled_batch_size(composed(*SMALL)) == 12
    assert labelled_batch_size(composed(*SMALL, "labels=100")) == 16
    assert labelled_batch_size(composed(*SMALL, "labels=null")) == 0


def test_a_validation_judges_by_its_own_images(composed: Composed, toy_dataset: Dataset):
    config = composed(*SMALL, "validation.every=5", "validation.images=64")
    run = member(config, set_aside(toy_dataset, config.validation, CPU))
    split = run.dataset.validation
    assert split is not None
    source = Source(run.state.model, run.objective.plan, run.dataset, split, config)
    batch = source.batch(torch.arange(20, 36), 0, run.objective.weights(0))
    assert torch.equal(batch.classes_L, split.factors(torch.arange(20, 32))[:, 0])  # pyright: ignore
    of = (run.state, run.objective, run.dataset, split, config)
    assert validation_loss(*of) == validation_loss(*of) > 0


@pytest.mark.parametrize("kind", ["conditional", "relaxed"])
def test_a_run_in_a_pack_is_the_run_alone(composed: Composed, toy_dataset: Dataset, kind: str):
    settings = [composed(*SMALL, *MODELS[kind], f"seed={seed}", "steps=4", "objective=hfvae")
                for seed in (1, 2)]  # fmt: skip
    packed, alone = ([member(config, toy_dataset) for config in settings] for _ in range(2))
    keys = {pack_key(m.config, m.state.model, m.objective, m.dataset) for m in packed}
    assert len(keys) == 1
    few = member(replace(settings[0], labels=8), toy_dataset)
    assert pack_key(few.config, few.state.model, few.objective, few.dataset) not in keys
    expected = [list(train(m.state, m.objective, m.dataset, m.config, m.steps)) for m in alone]
    for step, reports in enumerate(train_pack(packed)):
        for number, report in reports.items():
            wanted = expected[number][step]
            assert report == (wanted and pytest.approx(wanted, rel=2e-4, abs=2e-4))
    for run, single in zip(packed, alone, strict=True):
        assert run.state.step == 4
        for got, wanted in zip(
            run.state.model.parameters(), single.state.model.parameters(), strict=True
        ):
            torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-4)
