"""Runs with one plan stacked under ``vmap``: each has the loss and gradient of a single run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from runner.config import RunConfig
from runner.model import VAE, build
from runner.objective import Objective
from runner.training.batch import Batch
from runner.training.step import step

IMAGES, SAMPLES = 60, 6
SMALL = ("dataset=digits", "architecture=mlp", "architecture.widths=[6]", "prior.dimensions=4")
Parameters = dict[str, Tensor]

PAIRS = {
    "vae": (("objective=vae",), ("objective=vae", "seed=1")),
    "beta_vae": (("objective=beta_vae", "beta=2"), ("objective=beta_vae", "beta=7")),
    "beta_tcvae": (
        ("objective=beta_tcvae", "alpha=2", "beta=6", "gamma=3"),
        ("objective=beta_tcvae", "alpha=3", "beta=9", "gamma=5"),
    ),
    "hfvae": (("objective=hfvae", "beta=12", "gamma=4"), ("objective=hfvae", "beta=3", "gamma=8")),
    "hfvae, discrete": (
        ("objective=hfvae", "prior=concrete_normal", "gamma=4"),
        ("objective=hfvae", "prior=concrete_normal", "gamma=6"),
    ),
    "hfvae, conditional": (
        ("objective=hfvae", "prior=concrete_normal", "architecture.conditional=true",
         "architecture.conditional_head=shared"),
        ("objective=hfvae", "prior=concrete_normal", "architecture.conditional=true",
         "architecture.conditional_head=shared", "gamma=6"),
    ),
    "schedules": (
        ("objective=hfvae", "beta={linear: {from: 0, to: 8, over: 20}}"),
        ("objective=hfvae", "beta={cosine: {from: 9, to: 2, over: 30}}", "gamma=2"),
    ),
    "temperatures": (
        ("objective=hfvae", "prior=concrete_normal", "objective.concrete_density=relaxed",
         "prior.temperature={linear: {from: 1, to: 0.5, over: 20}}"),
        ("objective=hfvae", "prior=concrete_normal", "objective.concrete_density=relaxed",
         "prior.temperature={linear: {from: 0.7, to: 0.3, over: 20}}"),
    ),
    "rewards": (
        ("objective=beta_vae", "beta=3", "++objective.group_information={first: -2}"),
        ("objective=beta_vae", "beta=5", "++objective.group_information={first: 0.5}"),
    ),
    "rates of groups": (
        ("objective=hfvae", "++objective.group_rate={z_0-1: {linear: {from: 8, to: 0, over: 20}}}"),
        ("objective=hfvae", "gamma=3", "++objective.group_rate={z_0-1: 5}"),
    ),
    "penalties": (
        ("objective=info_vae", "alpha=0.25", "beta=8", "objective.penalties.capacity.weight=2",
         "objective.penalties.moments.diagonal=3"),
        ("objective=info_vae", "alpha=0.5", "beta=2", "objective.penalties.capacity.weight=1",
         "objective.penalties.capacity.nats=1", "objective.penalties.moments.diagonal=1"),
    ),
}  # fmt: skip
"""Pairs of runs that differ only in numbers."""


@dataclass(frozen=True)
class Run:
    """One run, in float64: its model, its objective, and a minibatch of its own."""

    model: VAE
    objective: Objective
    batch: Batch

    @classmethod
    def of(cls, config: RunConfig) -> Run:
        model = build(config, shape=(1, 4, 4), classes=3).double()
        source = torch.Generator().manual_seed(config.seed)
        images = torch.rand(SAMPLES, 1, 4, 4, generator=source, dtype=torch.float64)
        with torch.no_grad():  # distant encodings, so that the estimate of q(z) has an effect
            model.encoder[-1].weight.div_(model.encode(images).std(0)[:, None])
        noise = model.latents.noise(SAMPLES, source).double()
        uniforms = torch.rand(SAMPLES, model.latents.uniform_count, generator=source).double()
        objective = Objective.from_config(config, model.latents.tree, IMAGES)
        return cls(model, objective, Batch(images, images, noise, uniform_BU=uniforms))

    def loss(self, at: int) -> Tensor:
        weights_S = self.objective.weights(at)
        return step(self.model, self.objective.plan, weights_S, self.batch, with_terms=False).loss


class _Loss(torch.nn.Module):
    """The loss as a module's output, so that ``functional_call`` can exchange the parameters."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.model, self.plan = run.model, run.objective.plan

    def forward(self, weights_S: Tensor, given: dict[str, Tensor]) -> Tensor:
        return step(self.model, self.plan, weights_S, Batch(**given), with_terms=False).loss


def tensors_of(batch: Batch) -> dict[str, Tensor]:
    every = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {name: value for name, value in every.items() if isinstance(value, Tensor)}


def stacked(runs: list[Run], at: int) -> tuple[Parameters, Tensor]:
    """The gradients and losses of all runs, from one step under vmap."""
    module = _Loss(runs[0])
    parameters, _ = stack_module_state([_Loss(run) for run in runs])
    weights_RS = torch.stack([run.objective.weights(at) for run in runs])
    batches = [tensors_of(run.batch) for run in runs]
    batch = {name: torch.stack([each[name] for each in batches]) for name in batches[0]}

    def loss(parameters: Parameters, weights_S: Tensor, given: dict[str, Tensor]) -> Tensor:
        return functional_call(module, parameters, (weights_S, given))

    values = {name: value.detach() for name, value in parameters.items()}
    return vmap(grad_and_value(loss))(values, weights_RS, batch)


@pytest.mark.parametrize("swept", [False, True], ids=["plain", "swept"])
@pytest.mark.parametrize("name", PAIRS)
def test_stacked_runs_have_the_losses_and_gradients_of_single_runs(
    composed: Callable[..., RunConfig], name: str, monkeypatch: pytest.MonkeyPatch, *, swept: bool
):
    if swept:
        monkeypatch.setattr("runner.training.weighted_terms._LEAST_SWEPT", 0)
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)  # stay in float64 throughout
    runs = [Run.of(composed(*SMALL, *overrides)) for overrides in PAIRS[name]]
    first, second = (run.objective.plan for run in runs)
    assert first == second
    assert hash(first) == hash(second)
    at = 7
    if name != "vae":
        assert not torch.equal(runs[0].objective.weights(at), runs[1].objective.weights(at))
    gradients, losses_R = stacked(runs, at)
    for r, run in enumerate(runs):
        alone = run.loss(at)
        torch.testing.assert_close(losses_R[r], alone)
        expected = torch.autograd.grad(alone, list(run.model.parameters()))
        for (key, _), one in zip(run.model.named_parameters(), expected, strict=True):
            torch.testing.assert_close(gradients[f"model.{key}"][r], one)
    assert abs(float(losses_R[0] - losses_R[1])) > 1e-3


def test_another_structure_is_another_plan(composed: Callable[..., RunConfig]):
    hfvae = Run.of(composed(*SMALL, "objective=hfvae")).objective.plan
    for overrides in (
        ("objective=beta_tcvae",),
        ("objective=hfvae", "alpha=2"),
        ("objective=hfvae", "objective.penalties.mmd.weight=1"),
        ("objective=hfvae", "objective.corruption.amount=0.1"),
    ):
        assert Run.of(composed(*SMALL, *overrides)).objective.plan != hfvae
    assert replace(hfvae, dataset_size=61) != hfvae


def test_a_kernel_belongs_to_the_plan_and_its_weight_does_not(composed: Callable[..., RunConfig]):
    overrides = (*SMALL, "objective=info_vae")
    plan = Run.of(composed(*overrides)).objective.plan
    assert Run.of(composed(*overrides, "beta=3")).objective.plan == plan
    assert Run.of(composed(*overrides, "objective.penalties.mmd.kernel=imq")).objective.plan != plan
    # Settings of a penalty that is off are no part of the plan.
    probes = "objective.penalties.contraction.probes=5"
    assert Run.of(composed(*overrides, probes)).objective.plan == plan
