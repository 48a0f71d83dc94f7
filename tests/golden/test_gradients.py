"""Loss and gradient of every objective against its paper's formula, in float64 on a small model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.model import VAE, build
from runner.objective import Objective
from runner.training.batch import Batch
from runner.training.discriminator import Discriminator
from runner.training.step import step
from tests.families import SUMS
from tests.golden import oracles
from tests.golden.oracles import Seen

IMAGES, BATCH, SIZE = 50, 5, 4
GROUPS = ((0, 1), (2, 3))
WORDS = (
    "dataset=digits",
    "architecture=mlp",
    "architecture.widths=[6]",
    "prior.dimensions=4",
    "objective.penalties.discriminator.widths=[7,7]",
    "objective.penalties.contraction.estimate=exact",
)


@torch.no_grad()
def spread(model: VAE, images: Tensor) -> None:
    """Move the encodings apart: those of a fresh encoder coincide, and no estimate would matter."""
    numbers, last = model.encode(images), model.encoder[-1]
    mean, deviation = numbers.mean(0), numbers.std(0)
    last.weight.div_(deviation[:, None])
    last.bias.sub_(mean).div_(deviation)
    if model.latents.has_density:  # the log-scales come last
        last.weight[-4:].mul_(0.3)
        last.bias[-4:].mul_(0.3).sub_(1.0)


def identity(code: Tensor) -> Tensor:
    return code


@dataclass(frozen=True)
class Case:
    """A small model under an objective, and the minibatch that both losses see."""

    config: RunConfig
    model: VAE
    objective: Objective
    at: int
    """The step, which decides over the weights."""
    batch: Batch
    discriminator: Discriminator

    @classmethod
    def of(cls, config: RunConfig, at: int = 0) -> Case:
        source = torch.Generator().manual_seed(1)
        count = BATCH + (config.objective.pairs.posterior != "none")  # an even number for pairs
        shape = (count, 1, SIZE, SIZE)
        model = build(config, shape=(1, SIZE, SIZE), classes=3).double()
        objective = Objective.from_config(config, model.latents.tree, IMAGES)
        images, seen = (torch.rand(shape, generator=source, dtype=torch.float64) for _ in range(2))
        has_density = model.latents.has_density
        uniforms = model.latents.uniform_count if has_density else 0
        batch = Batch(
            images,
            images if config.objective.corruption.amount == 0 else seen,
            model.latents.noise(count, source).double(),
            uniform_BU=torch.rand(count, uniforms, generator=source, dtype=torch.float64),
        )
        spread(model, batch.inputs_BCHW)
        settings = config.objective.penalties.discriminator
        discriminator = Discriminator.fresh(settings, model.latents.width, 3, torch.device("cpu"))
        discriminator.network.double()
        return cls(config, model, objective, at, batch, discriminator)

    def loss(self) -> Tensor:
        return step(
            self.model,
            self.objective.plan,
            self.objective.weights(self.at),
            self.batch,
            with_terms=False,
            discriminator=self.discriminator,
        ).loss

    def code(self) -> Tensor:
        return self.model.encoder(self.batch.inputs_BCHW)

    def seen(
        self,
        first: int = 0,
        emit: Callable[[Tensor], Tensor] = identity,
        average: Callable[[Tensor], Tensor] = identity,
    ) -> Seen:
        """What the oracles see; the normals' numbers begin at ``first``."""
        numbers = average(self.code()[:, first:])
        loc, log_scale = numbers[:, :4], numbers[:, 4:]
        z = loc + log_scale.exp() * self.batch.noise_BW[:, first:]
        drawn = emit(z)
        if first:
            logits = self.code()[:, :first] + self.batch.noise_BW[:, :first]
            drawn = torch.cat([torch.softmax(logits / 0.66, 1), drawn], 1)
        output = self.model.decoder(drawn).flatten(1)
        return Seen(self.batch.images_BCHW.flatten(1), output, loc, log_scale, z, IMAGES)

    def seen_code(self, activation: Callable[[Tensor], Tensor]) -> Seen:
        code = activation(self.code())
        output = self.model.decoder(code).flatten(1)
        return Seen(self.batch.images_BCHW.flatten(1), output, code, code, code, IMAGES)

    def prior_draws(self) -> Tensor:
        return torch.special.ndtri(self.batch.uniform_BU)


def info_vae(case: Case, kernel: Callable[[Tensor, float], Tensor]) -> Tensor:
    """(1 - alpha) KL + (alpha + lambda - 1) MMD with alpha 0.25, lambda 8 (Zhao et al. 2019)."""
    seen = case.seen()
    distance = oracles.mmd(seen.z, case.prior_draws(), kernel, [1.0])
    return oracles.beta_vae(seen, 0.75) + 7.25 * distance


def decomposition(case: Case) -> Tensor:
    seen, drawn = case.seen(), case.prior_draws()
    scales = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
    by_dimension = sum(
        oracles.mmd(seen.z[:, [v]], drawn[:, [v]], oracles.imq, scales) for v in range(4)
    )
    return oracles.beta_vae(seen, 2.0) + 3.0 * by_dimension


def factor_vae(case: Case) -> Tensor:
    seen = case.seen()
    logits = case.discriminator.network(seen.z)
    return oracles.beta_vae(seen, 1.0) + 6.0 * (logits[:, 0] - logits[:, 1]).mean()


def sparse_ae(case: Case, *, l1: bool) -> Tensor:
    """By the L1 norm of a code of either sign, or by the KL of one between 0 and 1."""
    seen = case.seen_code(identity if l1 else torch.sigmoid)
    if l1:
        assert float(seen.z.detach().min()) < 0 < float(seen.z.detach().max())
    penalty = seen.z.abs().sum(1).mean() if l1 else oracles.kl_sparsity(seen.z, 0.05)
    return oracles.reconstruction(seen) + 3.0 * penalty


def qlae(case: Case) -> Tensor:
    """The nearest values, straight through, and both squared distances (Hsu et al. 2023)."""
    code, values = case.code(), case.model.latents.continuous.values_VK
    nearest = [values[v][(code[:, [v]] - values[v]).abs().argmin(1)] for v in range(4)]
    chosen = torch.stack(nearest, dim=1)
    seen = case.seen_code(lambda code: code + (chosen - code).detach())
    quantisation = (chosen - code.detach()).square().sum(1).mean()
    commitment = (chosen.detach() - code).square().sum(1).mean()
    return oracles.reconstruction(seen) + 3.0 * quantisation + 3.0 * commitment


def contractive_ae(case: Case) -> Tensor:
    def code(images: Tensor) -> Tensor:
        return torch.sigmoid(case.model.encoder(images))

    norm = oracles.jacobian(code, case.batch.images_BCHW)
    return oracles.reconstruction(case.seen_code(torch.sigmoid)) + 0.3 * norm


def hfvae_with_category(case: Case) -> Tensor:
    logits = case.code()[:, :3]
    return oracles.hfvae_with_category(case.seen(first=3), logits, (1.5, 12.0, 4.0, 1.0))


def hfvae_with_relaxed_category(case: Case) -> Tensor:
    logits = case.code()[:, :3]
    drawn = torch.softmax((logits + case.batch.noise_BW[:, :3]) / 0.66, 1)
    weights = (1.5, 12.0, 4.0, 1.0)
    return oracles.hfvae_with_relaxed_category(case.seen(first=3), drawn, logits, 0.66, weights)


ORACLES: dict[str, list[tuple[str, Callable[[Case], Tensor]]]] = {
    "vae": [("", lambda c: oracles.beta_vae(c.seen(), 1.0))],
    "beta_vae": [("beta=4", lambda c: oracles.beta_vae(c.seen(), 4.0))],
    "annealed_vae": [("gamma=30 beta=25", lambda c: oracles.annealed_vae(c.seen(), 30.0, 12.5))],
    "dip_vae_i": [("beta=3", lambda c: oracles.dip_vae(c.seen(), 3.0, 30.0, second=False))],
    "dip_vae_ii": [("beta=3", lambda c: oracles.dip_vae(c.seen(), 3.0, 3.0, second=True))],
    "info_vae": [
        ("alpha=.25 beta=8", lambda c: info_vae(c, oracles.rbf)),
        ("alpha=.25 beta=8 objective.penalties.mmd.kernel=imq",
         lambda c: info_vae(c, oracles.imq)),
    ],
    "corex": [("alpha=-2", lambda c: oracles.corex(c.seen(), GROUPS[0], -2.0))],
    "information_dropout": [
        ("beta=1.5 gamma=3",
         lambda c: oracles.weighted(c.seen(emit=torch.exp), GROUPS, (1.5, 3.0, 3.0, 0.0))),
    ],
    "factor_vae": [("gamma=6", factor_vae)],
    "beta_tcvae": [
        ("alpha=1.5 beta=6 gamma=2",
         lambda c: oracles.weighted(c.seen(), GROUPS, (1.5, 6.0, 6.0, 2.0))),
    ],
    "hfvae": [
        ("alpha=1.5", lambda c: oracles.weighted(c.seen(), GROUPS, (1.5, 12.0, 4.0, 1.0))),
        ("alpha=1.5 prior=concrete_normal", hfvae_with_category),
        ("alpha=1.5 prior=concrete_normal objective.concrete_density=relaxed",
         hfvae_with_relaxed_category),
    ],
    "decomposition": [("alpha=3 beta=2", decomposition)],
    "decomposition_kl": [
        ("alpha=3 beta=2", lambda c: oracles.beta_vae(c.seen(), 2.0)
         + 3.0 * oracles.inclusive_kl(c.seen(), c.prior_draws())),
    ],
    "ada_gvae": [
        ("beta=3", lambda c: oracles.beta_vae(c.seen(average=oracles.mean_of_pairs), 3.0)),
    ],
    "ada_ml_vae": [
        ("beta=3", lambda c: oracles.beta_vae(c.seen(average=oracles.product_of_pairs), 3.0)),
    ],
    "ae": [("", lambda c: oracles.reconstruction(c.seen_code(identity)))],
    "sparse_ae": [
        ("beta=3", lambda c: sparse_ae(c, l1=False)),
        ("beta=3 prior=code objective.penalties.sparsity.kind=l1", lambda c: sparse_ae(c, l1=True)),
    ],
    "denoising_ae": [("", lambda c: oracles.reconstruction(c.seen_code(identity)))],
    "contractive_ae": [("beta=.3", contractive_ae)],
    "qlae": [("beta=3", qlae)],
}  # fmt: skip


def test_every_objective_has_an_oracle():
    found = set(SUMS)
    assert not found - set(ORACLES), "files of conf/objective without an entry in ORACLES"
    assert not set(ORACLES) - found, "entries of ORACLES without a file in conf/objective"


def test_the_encodings_are_so_far_apart_that_every_term_matters(
    composed: Callable[..., RunConfig],
):
    with torch.no_grad():
        terms = oracles.terms(Case.of(composed(*WORDS, "objective=hfvae")).seen(), GROUPS)
    assert all(abs(float(term)) > 0.1 for term in terms), terms


@pytest.mark.parametrize(
    ("name", "words", "oracle"),
    [(name, words, oracle) for name, cases in ORACLES.items() for words, oracle in cases],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_loss_and_gradient_are_those_of_the_paper(
    composed: Callable[..., RunConfig], name: str, words: str, oracle: Callable[[Case], Tensor]
):
    config = composed(*WORDS, f"objective={name}", *words.split())
    case = Case.of(config, at=50_000)  # the capacity of annealed_vae is then halfway
    parameters = dict(case.model.named_parameters())
    ours, theirs = case.loss(), oracle(case)
    torch.testing.assert_close(ours, theirs)
    got = torch.autograd.grad(ours, list(parameters.values()))
    expected = torch.autograd.grad(theirs, list(parameters.values()))
    for key, one, other in zip(parameters, got, expected, strict=True):
        torch.testing.assert_close(one, other, msg=lambda words, key=key: f"{key}: {words}")
        assert float(one.abs().max()) > 0, f"{key} gets no gradient"


@pytest.mark.parametrize("prior", ["normal", "concrete_normal"])
def test_the_discriminator_and_the_encoder_learn_from_losses_of_their_own(
    composed: Callable[..., RunConfig], prior: str
):
    case = Case.of(composed(*WORDS, "objective=factor_vae", f"prior={prior}"))
    network = case.discriminator.network
    result = step(
        case.model,
        case.objective.plan,
        case.objective.weights(case.at),
        case.batch,
        with_terms=False,
        discriminator=case.discriminator,
    )
    result.loss.backward()
    assert all(p.grad is None for p in network.parameters())
    before = {name: p.grad.clone() for name, p in case.model.named_parameters()}
    # A fresh graph, through which the discriminator's loss could reach the encoder.
    z = case.model.latents.sample(case.model.encode(case.batch.inputs_BCHW), case.batch.noise_BW)
    other = z.flip(0) * 1.5 - 0.2
    columns = list(case.model.latents.columns.values())
    noise = torch.rand(BATCH, len(columns), generator=torch.Generator().manual_seed(2))
    parts = [range(z.shape[1])[part] for part in columns]
    expected = oracles.discriminator_loss(network, z.detach(), other.detach(), parts, noise)
    gradients = torch.autograd.grad(expected, list(network.parameters()))
    loss = case.discriminator.learn(z, other, columns, noise)
    torch.testing.assert_close(loss, expected.detach())
    for p, gradient in zip(network.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, gradient)
    for name, p in case.model.named_parameters():
        torch.testing.assert_close(p.grad, before[name], rtol=0, atol=0)


def test_the_closed_form_and_the_full_estimate_charge_the_same_on_average(
    composed: Callable[..., RunConfig],
):
    """The program's loss against one whose every term is estimated, over many draws."""
    case = Case.of(composed(*WORDS, "objective=hfvae", "alpha=1.5"))
    weights, draws, gaps = (1.5, 12.0, 4.0, 1.0), 300, []
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        rate = float(oracles.kl(case.seen()))
        for _ in range(draws):
            noise = torch.randn(BATCH, 4, generator=source, dtype=torch.float64)
            now = replace(case, batch=replace(case.batch, noise_BW=noise))
            gaps.append(float(now.loss() - oracles.full_estimate(now.seen(), GROUPS, weights)))
    gap = torch.tensor(gaps)
    error = float(gap.std()) / draws**0.5
    assert 0 < error < rate / 40  # a tenth of the rate too much or too little would be seen
    assert abs(float(gap.mean())) < 4 * error
