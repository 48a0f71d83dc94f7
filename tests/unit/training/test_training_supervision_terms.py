"""The weighted terms of images whose class is given, by definition: against torch.distributions."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from runner.dataset import Dataset
from runner.model import VAE, build
from runner.objective import Objective
from runner.training import train
from runner.training.batch import Batch
from runner.training.packed import pack_key, train_pack
from runner.training.supervision import bound_given_class, objective_given_class, with_class
from tests.labelled import MODELS, SMALL, Composed, labelled, member

IMAGES = 200
"""N, of the training images."""
HFVAE = ("objective=hfvae", "alpha=1.5", "beta=3", "gamma=2")
OF_OBJECTIVE = "objective.penalties.supervision.loss=objective"
KINDS = {**MODELS, "drawn": (*MODELS["conditional"], "objective.concrete_density=drawn")}


def model_and_objective(composed: Composed, *settings: str) -> tuple[VAE, Objective]:
    config = composed(*SMALL, *settings)
    model = build(config, shape=(1, 8, 8), classes=4).double()
    return model, Objective.from_config(config, model.latents.tree, IMAGES)


def of_objective(model: VAE, objective: Objective, batch: Batch, classification: float) -> Tensor:
    weights_S = objective.weights(0)
    weights = objective.plan.named(weights_S, like=torch.zeros(1).double())
    latents = model.bind_latents(weights.get("temperature"))
    given = with_class(model, latents, batch)
    return objective_given_class(given, objective.plan, weights, classification)


def by_definition(model: VAE, batch: Batch, kind: str, classification: float) -> Tensor:
    """Return alpha 1.5, beta 3 and gamma 2 of the terms by their definition, in float64."""
    images, noise, classes = batch.labelled_images_LCHW, batch.labelled_noise_LW, batch.classes_L
    assert images is not None
    assert noise is not None
    assert classes is not None
    count, y = len(images), classes.tolist()
    parameters = model.encoder(images)
    log_qy = parameters[:, :4].log_softmax(1)
    normals = parameters[:, 4:].reshape(count, -1, 2, 3).expand(-1, 4, -1, -1)
    loc, scale = normals[:, :, 0], normals[:, :, 1].exp()
    z = torch.stack([loc[i, y[i]] + scale[i, y[i]] * noise[i, 4:] for i in range(count)])
    seen = torch.cat([torch.eye(4).double()[classes], z], dim=1)
    decoded = Bernoulli(logits=model.decoder(seen), validate_args=False)
    reconstruction = -decoded.log_prob(images).flatten(1).sum(1).mean()

    def log_weight(i: int, j: int) -> float:
        return math.log(1 / IMAGES if i == j else (IMAGES - 1) / IMAGES / (count - 1))

    def log_normals(i: int, j: int, category: int) -> Tensor:
        return Normal(loc[j, category], scale[j, category]).log_prob(z[i])

    def log_q(i: int, *, of_class: bool, columns: slice) -> Tensor:
        """Estimate log q(y, z) of sample i, or of a part of it; no columns: of the class alone."""
        rows: list[Tensor] = []
        for j in range(count):
            own = log_qy[j, y[i]]
            if kind == "published":
                normal = log_normals(i, j, y[j])[columns].sum()
                inner = normal + (own if of_class else 0)
            elif of_class:
                inner = own + log_normals(i, j, y[i])[columns].sum()
            else:
                each = [log_qy[j, c] + log_normals(i, j, c)[columns].sum() for c in range(4)]
                inner = torch.stack(each).logsumexp(0)
            rows.append(log_weight(i, j) + inner)
        return torch.stack(rows).logsumexp(0)

    none, every = slice(0, 0), slice(0, 3)
    mi, between, within, kl = (torch.zeros(()).double() for _ in range(4))
    for i in range(count):
        joint = log_q(i, of_class=True, columns=every)
        of_y = log_q(i, of_class=True, columns=none)
        of_z = log_q(i, of_class=False, columns=every)
        single = [log_q(i, of_class=False, columns=slice(v, v + 1)) for v in range(3)]
        prior = Normal(torch.zeros(3).double(), 1.0).log_prob(z[i])
        mi = mi + log_normals(i, i, y[i]).sum() - joint
        between = between + joint - of_y - of_z
        within = within + of_z - torch.stack(single).sum()
        kl = kl + of_y - math.log(1 / 4) + torch.stack(single).sum() - prior.sum()
    terms = 1.5 * mi + 3 * between + 2 * within + kl
    own_class = torch.stack([log_qy[i, y[i]] for i in range(count)]).mean()
    return reconstruction + terms / count - classification * own_class


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_the_terms_with_the_class_given(composed: Composed, kind: str):
    model, objective = model_and_objective(composed, *KINDS[kind], *HFVAE)
    batch = labelled(model)
    expected = by_definition(model, batch, kind, 2.5)
    got = of_objective(model, objective, batch, 2.5)
    # The weight that the terms share is charged through the rate, which has less noise in closed
    # form than at the samples.
    given = with_class(model, model.bind_latents(None), batch)
    log_q_L, log_p_L = given.latents.log_q_and_p(given.z_LW, given.given_LP)
    closed_form_L = given.latents.rate(given.z_LW, given.given_LP)
    less_noise = (log_q_L - log_p_L - closed_form_L).mean()
    torch.testing.assert_close(got, expected - less_noise, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("objective", ["vae", "hfvae"])
def test_with_weights_of_one_they_are_the_bound(composed: Composed, kind: str, objective: str):
    ones = ("objective=vae",) if objective == "vae" else ("objective=hfvae", "beta=1", "gamma=1")
    model, plain = model_and_objective(composed, *KINDS[kind], *ones)
    batch = labelled(model)
    expected = bound_given_class(with_class(model, model.latents, batch), 2.5)
    torch.testing.assert_close(of_objective(model, plain, batch, 2.5), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_of_unknown_class_counts_as_one_without_label(composed: Composed, kind: str):
    model, objective = model_and_objective(composed, *KINDS[kind], *HFVAE)
    batch = replace(labelled(model), classes_L=torch.tensor([0, -1, 2, -1, 0]))
    known = torch.tensor([True, False, True, False, True])
    given = with_class(model, model.bind_latents(None), batch)
    assert torch.equal(given.given_LP[~known], given.inferred_LP[~known])
    assert not torch.equal(given.given_LP[known], given.inferred_LP[known])
    with_it, without = (of_objective(model, objective, batch, c) for c in (2.5, 0))
    expected = -2.5 * given.log_qy_L[known].mean()
    torch.testing.assert_close(with_it - without, expected)


@pytest.mark.parametrize("kind", ["conditional", "published", "relaxed"])
def test_the_class_has_a_gradient_in_the_encoder(composed: Composed, kind: str):
    """q(y, z) is estimated from what the encoder infers, not from the classes."""
    model, objective = model_and_objective(composed, *KINDS[kind], *HFVAE)
    of_objective(model, objective, labelled(model), 0.0).backward()
    gradients = [p.grad for p in model.encoder.parameters()]
    assert all(g is not None and g.isfinite().all() and g.abs().sum() > 0 for g in gradients)


@pytest.mark.parametrize("kind", ["conditional", "published"])
def test_in_a_pack_with_others_a_run_is_the_run_alone(
    composed: Composed, toy_dataset: Dataset, kind: str
):
    of = (*SMALL, *KINDS[kind], *HFVAE, "steps=3")
    settings = [composed(*of, OF_OBJECTIVE, f"seed={seed}") for seed in (1, 2)]
    settings.append(composed(*of, "seed=1"))
    packed, alone = ([member(config, toy_dataset) for config in settings] for _ in range(2))
    assert len({pack_key(m.config, m.state.model, m.objective, m.dataset) for m in packed}) == 1
    expected = [list(train(m.state, m.objective, m.dataset, m.config, m.steps)) for m in alone]
    for step, reports in enumerate(train_pack(packed)):
        for number, report in reports.items():
            wanted = expected[number][step]
            assert report == (wanted and pytest.approx(wanted, rel=2e-4, abs=2e-4))
