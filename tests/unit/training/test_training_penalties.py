"""Every penalty is added to the loss with its weight, computed from one step's tensors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import IMAGES
from runner.errors import UsageError
from runner.model import VAE, build
from runner.objective import Objective, divergences, penalties
from runner.training import compatibility
from runner.training.batch import Batch
from runner.training.penalties import PENALTIES, active_penalties
from runner.training.step import StepOutput, step

SMALL = ("architecture=mlp", "architecture.widths=[8]", "prior.dimensions=3", "prior.group_size=1")


def stepped(config: RunConfig, *, at: int = 0) -> tuple[VAE, Batch, StepOutput, Objective]:
    model = build(config, shape=(1, 4, 4), classes=3)
    objective = Objective.from_config(config, model.latents.tree, 100)
    source = torch.Generator().manual_seed(0)
    bytes_BCHW = torch.randint(0, 256, (12, 1, 4, 4), generator=source, dtype=torch.uint8)
    images = IMAGES.to_input(bytes_BCHW)
    uniforms = model.latents.uniform_count if model.latents.has_density else 0
    batch = Batch(
        images,
        images,
        model.latents.noise(12, source),
        uniform_BU=torch.rand(12, uniforms, generator=source),
        probes_SBV=None,
    )
    result = step(model, objective.plan, objective.weights(at), batch, with_terms=False)
    return model, batch, result, objective


def base_loss(result: StepOutput) -> Tensor:
    return result.reconstruction if result.rate is None else result.reconstruction + result.rate


def test_all_penalties_are_off_by_default(composed: Callable[..., RunConfig]):
    _, _, result, objective = stepped(composed(*SMALL, "objective=vae"))
    assert active_penalties(objective) == ()
    assert result.penalties == {}
    torch.testing.assert_close(result.loss, base_loss(result))


def test_every_penalty_of_the_settings_has_a_function(composed: Callable[..., RunConfig]):
    assert list(PENALTIES) == list(vars(composed("objective=vae").objective.penalties))


def test_the_capacity_is_approached_from_below_and_above(composed: Callable[..., RunConfig]):
    for nats in (0, 50):
        _, _, result, _ = stepped(composed(*SMALL, "objective=annealed_vae", "gamma=7",
                                 f"objective.penalties.capacity.nats={nats}"))  # fmt: skip
        assert result.rate is not None
        torch.testing.assert_close(result.penalties["capacity"], (result.rate - nats).abs())
        expected = result.reconstruction + 7 * (result.rate - nats).abs()
        torch.testing.assert_close(result.loss, expected)


def test_a_scheduled_capacity_is_that_of_the_step(composed: Callable[..., RunConfig]):
    config = composed(*SMALL, "objective=annealed_vae", "beta=50", "gamma=1")
    _, _, result, _ = stepped(config, at=40_000)
    assert result.rate is not None
    torch.testing.assert_close(result.penalties["capacity"], (result.rate - 20).abs())


@pytest.mark.parametrize("name", ["dip_vae_i", "dip_vae_ii"])
def test_moments_are_of_the_means_or_of_the_codes(composed: Callable[..., RunConfig], name: str):
    model, _, result, _ = stepped(composed(*SMALL, f"objective={name}", "beta=3"))
    loc, log_scale = result.parameters_BP.chunk(2, dim=1)
    given_image = (2 * log_scale).exp().mean(0).diag()
    given_image, diagonal = (None, 30) if name == "dip_vae_i" else (given_image, 3)
    expected = penalties.moment_matching(loc, given_image, 3, diagonal)
    torch.testing.assert_close(result.penalties["moments"].detach(), expected)
    torch.testing.assert_close(result.loss, base_loss(result) + result.penalties["moments"])
    assert model.latents.has_density


@pytest.mark.parametrize("dimension_wise", ["false", "true"])
def test_the_mmd_compares_the_step_s_samples_with_the_prior_s(
    composed: Callable[..., RunConfig], dimension_wise: str
):
    config = composed(*SMALL, "objective=decomposition", "alpha=5",
                      f"objective.penalties.mmd.dimension_wise={dimension_wise}")  # fmt: skip
    model, batch, result, _ = stepped(config)
    assert batch.uniform_BU is not None
    drawn = model.latents.sample_prior(batch.uniform_BU)
    mmd = divergences.dimension_wise_mmd if dimension_wise == "true" else divergences.mmd
    expected = mmd(result.z_BW, drawn, "imq", config.objective.penalties.mmd.scales)
    torch.testing.assert_close(result.penalties["mmd"], expected)
    torch.testing.assert_close(result.loss, base_loss(result) + 5 * expected)


def test_discrete_variables_are_left_out_of_the_mmd(composed: Callable[..., RunConfig]):
    config = composed("architecture=mlp", "prior=concrete_normal", "prior.dimensions=2",
                      "objective=info_vae", "beta=3")  # fmt: skip
    model, batch, result, _ = stepped(config)
    assert batch.uniform_BU is not None
    drawn = model.latents.sample_prior(batch.uniform_BU)[:, 3:]
    expected = divergences.mmd(result.z_BW[:, 3:], drawn, "rbf", [1.0])
    torch.testing.assert_close(result.penalties["mmd"], expected)


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_the_inclusive_divergence_scores_prior_draws_under_the_posteriors(
    composed: Callable[..., RunConfig], prior: str
):
    config = composed("architecture=mlp", f"prior={prior}", "prior.dimensions=2",
                      "objective=decomposition_kl", "alpha=2")  # fmt: skip
    model, batch, result, _ = stepped(config)
    assert batch.uniform_BU is not None
    drawn = model.latents.sample_prior(batch.uniform_BU)
    loc, log_scale = result.parameters_BP.chunk(2, dim=1)
    pairs = torch.distributions.Normal(loc, log_scale.exp()).log_prob(drawn[:, None]).sum(-1)
    log_p = model.latents.log_pz(drawn, [0, 1])[0]
    expected = (log_p - pairs.exp().mean(1).log()).mean()
    torch.testing.assert_close(result.penalties["inclusive_kl"], expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        result.loss, base_loss(result) + 2 * result.penalties["inclusive_kl"]
    )


@pytest.mark.parametrize(("kind", "prior"), [("kl", "sigmoid_code"), ("l1", "code")])
def test_sparsity_is_of_the_code(composed: Callable[..., RunConfig], kind: str, prior: str):
    config = composed("architecture=mlp", "objective=sparse_ae", f"prior={prior}", "beta=4",
                      f"objective.penalties.sparsity.kind={kind}")  # fmt: skip
    _, _, result, _ = stepped(config)
    code = result.z_BW
    expected = penalties.kl_sparsity(code, 0.05) if kind == "kl" else code.abs().sum(1).mean()
    torch.testing.assert_close(result.penalties["sparsity"], expected)
    torch.testing.assert_close(result.loss, result.reconstruction + 4 * expected)
    assert result.rate is None


def test_the_contraction_is_that_of_the_code_after_its_activation(
    composed: Callable[..., RunConfig],
):
    config = composed("architecture=mlp", "objective=contractive_ae", "prior.dimensions=3",
                      "objective.penalties.contraction.estimate=exact", "beta=2")  # fmt: skip
    model, batch, result, _ = stepped(config)
    images = batch.images_BCHW
    jacobian = torch.func.vmap(torch.func.jacrev(lambda x: model.encode(x[None])[0].sigmoid()))
    expected = jacobian(images).square().sum() / len(images)
    torch.testing.assert_close(result.penalties["contraction"], expected)
    torch.testing.assert_close(result.loss, result.reconstruction + 2 * expected)


def test_penalties_of_a_quantised_code_each_move_one_side(composed: Callable[..., RunConfig]):
    config = composed("architecture=mlp", "objective=qlae", "prior.dimensions=3", "beta=3")
    model, batch, result, _ = stepped(config)
    code = model.encode(batch.inputs_BCHW)
    values = model.latents.continuous.values_VK
    nearest = torch.stack([
        torch.stack([values[v, (values[v] - row[v]).abs().argmin()] for v in range(3)])
        for row in code
    ])  # fmt: skip
    squares = (nearest - code).square().sum() / len(code)
    for name in ("quantisation", "commitment"):
        torch.testing.assert_close(result.penalties[name], squares)
    torch.testing.assert_close(result.loss, result.reconstruction + 6 * squares)

    parameters = [*model.encoder.parameters(), values]
    of = lambda loss: torch.autograd.grad(  # noqa: E731
        loss, parameters, retain_graph=True, allow_unused=True
    )
    *on_encoder, on_values = of(result.penalties["quantisation"])
    assert on_encoder == [None] * len(on_encoder)
    torch.testing.assert_close(on_values, of(squares)[-1])
    *on_encoder, on_values = of(result.penalties["commitment"])
    assert on_values is None
    for got, expected in zip(on_encoder, of(squares), strict=False):
        torch.testing.assert_close(got, expected)
    assert of(result.reconstruction)[-1] is None


def test_a_penalty_names_its_missing_requirement(composed: Callable[..., RunConfig]):
    for name, message in (("decomposition", "draws from p"), ("factor_vae", "a discriminator"),
                          ("qlae prior=normal", "a quantised code")):  # fmt: skip
        config = composed(*SMALL, *f"objective={name}".split())
        model = build(config, shape=(1, 4, 4), classes=3)
        objective = Objective.from_config(config, model.latents.tree, 100)
        images = torch.rand(4, 1, 4, 4)
        batch = Batch(images, images, torch.zeros(4, 3))
        with pytest.raises(ValueError, match=message):
            step(model, objective.plan, objective.weights(0), batch, with_terms=False)


def test_a_weight_that_is_scheduled_is_on_even_where_it_is_zero(
    composed: Callable[..., RunConfig],
):
    config = composed(*SMALL, "objective=dip_vae_i", "beta={linear: {from: 0, to: 1, over: 10}}")
    _, _, result, objective = stepped(config)
    assert active_penalties(objective) == ("moments",)
    assert float(result.penalties["moments"].detach()) == 0


def test_a_penalty_without_a_function_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(PENALTIES, "capacity")
    with pytest.raises(UsageError, match=r"^objective.penalties.capacity has no function$"):
        compatibility._check_listed(["mmd", "capacity"])
