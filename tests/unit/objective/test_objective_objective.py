"""The weighted sum: what is charged in closed form, what through the estimate, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.errors import UsageError
from runner.model import Node
from runner.objective import TERM_NAMES, Decomposition, Objective, decompose, log_mixture_weights
from tests.conftest import random_densities, tree_of


def named(*sizes: int) -> Node:
    """A tree of two groups with the names of ``prior=concrete_normal``."""
    tree = tree_of(sizes)
    pairs = zip(("category", "style"), tree.children, strict=True)
    return replace(tree, children=tuple(replace(group, name=name) for name, group in pairs))


TREE = named(2, 3)
NESTED = Node(
    "all",
    (0, 1, 2, 3, 4),
    (
        Node("a", (0, 1, 2), (Node("b", (0, 1), (Node("", (0,)), Node("", (1,)))), Node("", (2,)))),
        Node("c", (3, 4), (Node("", (3,)), Node("", (4,)))),
    ),
)


def objective(config: RunConfig, tree: Node = TREE) -> Objective:
    return Objective.from_config(config, tree, dataset_size=1000)


def loss_of(objective: Objective, *terms: Tensor | Decomposition | None, at: int = 0) -> Tensor:
    """The loss from reconstruction, rate and decomposition, with the weights of a step."""
    reconstruction, rate, decomposition = terms
    weights = objective.plan.named(objective.weights(at), like=reconstruction)
    return objective.plan.loss(weights, reconstruction, rate, decomposition)


def weights_of(objective: Objective, at: int = 0) -> dict[str, float]:
    """The weights of a step by slot."""
    return dict(zip(objective.plan.slots, objective.weights(at).tolist(), strict=True))


def decomposed(
    tree: Node = TREE, *, wanted: frozenset[tuple[int, ...]] | None = None
) -> Decomposition:
    """The terms of eight samples of arbitrary densities, with a reconstruction of 70 nats."""
    reconstruction = torch.tensor(70.0, dtype=torch.float64)
    weights = log_mixture_weights(8, 8, 1000, like=reconstruction)
    return decompose(random_densities(tree, 8), reconstruction, weights, wanted=wanted)


def test_beta_vae_needs_no_estimate_of_the_aggregate_posterior(composed: Callable[..., RunConfig]):
    beta_vae = objective(composed("objective=beta_vae", "beta=3"))
    assert not beta_vae.plan.needs_aggregate_posterior
    loss = loss_of(beta_vae, torch.tensor(100.0), torch.tensor(5.0), None)
    assert float(loss) == 115


def test_the_loss_is_the_weighted_sum_of_the_terms(composed: Callable[..., RunConfig]):
    """Where the rate is the sum of the four terms, charging a share through it changes nothing."""
    hfvae = objective(composed("objective=hfvae", "alpha=2", "beta=12", "gamma=4"))
    got = decomposed()
    values = dict(zip(TERM_NAMES, got.terms.stack(), strict=True))
    rate = sum(values.values()) - values["reconstruction"]
    expected = (
        values["reconstruction"]
        + 2 * values["index_code_mi"]
        + 12 * values["group_total_correlation"]
        + 4 * values["within_group_total_correlation"]
        + values["dimension_wise_kl"]
    )
    torch.testing.assert_close(loss_of(hfvae, values["reconstruction"], rate, got), expected)


def test_a_reward_is_a_weight_on_a_group_s_information(composed: Callable[..., RunConfig]):
    tree = named(1, 2)
    plain = objective(composed("objective=beta_vae"), tree)
    words = "++objective.group_information={category: -5, style: 0}"
    anchored = objective(composed("objective=beta_vae", words), tree)
    assert anchored.plan.required_marginals == {(0,)}
    got = decomposed(tree)
    arguments = (torch.tensor(70.0), torch.tensor(4.0), got)
    difference = loss_of(anchored, *arguments) - loss_of(plain, *arguments)
    torch.testing.assert_close(difference, -5 * got.group_information_G[0])


def test_unknown_group_is_refused_with_the_nearest(composed: Callable[..., RunConfig]):
    config = composed("objective=vae", "++objective.group_information={categry: -5}")
    with pytest.raises(UsageError, match="the prior's groups are category, style") as error:
        objective(config)
    assert error.value.hint == "did you mean 'category'?"


def test_a_group_s_rate_has_a_slot_where_it_ever_weighs(composed: Callable[..., RunConfig]):
    plan = "{linear: {from: 8, to: 0, over: 4}}"
    words = f"++objective.group_rate={{category: 0, style: {plan}}}"
    got = objective(composed("objective=beta_vae", words))
    assert got.plan.rates == (1,)
    assert got.plan.slots == ("reconstruction", "rate", "rates.1")
    assert [got.weights(step)[2].item() for step in (0, 2, 4, 9)] == [8, 4, 0, 0]
    assert not got.is_constant
    assert not got.plan.needs_aggregate_posterior
    with pytest.raises(UsageError, match=r"objective\.group_rate names 'styl'") as error:
        objective(composed("objective=vae", "++objective.group_rate={styl: 1}"))
    assert error.value.hint == "did you mean 'style'?"


REDUCTIONS = [
    ("objective=beta_vae", "beta=1"),
    ("objective=beta_tcvae", "alpha=1", "beta=1", "gamma=1"),
    ("objective=hfvae", "alpha=1", "beta=1", "gamma=1"),
]


@pytest.mark.parametrize("overrides", REDUCTIONS)
def test_at_weight_one_every_objective_is_the_vae(
    composed: Callable[..., RunConfig], overrides: tuple[str, ...]
):
    """Bit for bit: the same loss from the same inputs."""
    vae, other = objective(composed("objective=vae")), objective(composed(*overrides))
    assert other.term_weights(0) == vae.term_weights(0)
    assert not other.plan.needs_aggregate_posterior
    arguments = (torch.tensor(101.3), torch.tensor(7.7), None)
    assert torch.equal(loss_of(vae, *arguments), loss_of(other, *arguments))


def test_hfvae_with_equal_correlation_weights_is_beta_tcvae(composed: Callable[..., RunConfig]):
    hfvae = objective(composed("objective=hfvae", "beta=6", "gamma=6"))
    assert hfvae.term_weights(0) == objective(
        composed("objective=beta_tcvae", "beta=6")
    ).term_weights(0)


def test_the_first_group_is_rewarded_by_that_word(composed: Callable[..., RunConfig]):
    by_name = objective(composed("objective=vae", "++objective.group_information={category: -2}"))
    first = objective(composed("objective=corex", "alpha=-2"))
    assert first.weights_of_terms.groups == by_name.weights_of_terms.groups == {0: -2}
    assert first.plan.required_marginals == by_name.plan.required_marginals == {(0, 1)}
    torch.testing.assert_close(
        loss_of(first, torch.tensor(9.0), torch.tensor(2.0), decomposed()),
        loss_of(by_name, torch.tensor(9.0), torch.tensor(2.0), decomposed()),
    )


SINGLES = {(v,) for v in range(5)}
NEEDED = {
    ("objective=vae",): set(),
    ("objective=beta_vae", "beta=9"): set(),
    # log q(z) cancels from alpha MI + beta TC where both weights are one.
    ("objective=hfvae", "alpha=1", "beta=1", "gamma=3"): {(0, 1), (2, 3, 4)} | SINGLES,
    ("objective=beta_tcvae", "alpha=1", "beta=6", "gamma=1"): {TREE.variables} | SINGLES,
    ("objective=beta_tcvae", "alpha=2", "beta=1", "gamma=1"): {TREE.variables},
}  # fmt: skip


@pytest.mark.parametrize("words", NEEDED, ids=" ".join)
def test_only_marginals_that_do_not_cancel_are_needed(
    composed: Callable[..., RunConfig], words: tuple[str, ...]
):
    got = objective(composed(*words))
    assert got.plan.required_marginals == NEEDED[words]
    arguments = torch.tensor(70.0).double(), torch.tensor(4.0).double()
    expected = loss_of(got, *arguments, decomposed())
    torch.testing.assert_close(
        loss_of(got, *arguments, decomposed(wanted=got.plan.required_marginals)), expected
    )


def test_a_level_at_which_nothing_is_split_lets_the_rate_be_charged(
    composed: Callable[..., RunConfig],
):
    """One group: the weight between groups is of no term, so it may not lower the others'."""
    one_group = tree_of([3])
    got = objective(composed("objective=hfvae", "beta=0", "gamma=1"), one_group)
    assert not got.plan.needs_aggregate_posterior
    arguments = torch.tensor(70.0).double(), torch.tensor(4.0).double()
    assert float(loss_of(got, *arguments, None)) == 74
    assert float(loss_of(got, *arguments, decomposed(one_group))) == 74


def test_a_deterministic_code_pays_its_reconstruction_alone(composed: Callable[..., RunConfig]):
    assert float(loss_of(objective(composed("objective=ae")), torch.tensor(7.0), None, None)) == 7


def test_levels_have_weights_of_their_own(composed: Callable[..., RunConfig]):
    config = composed("objective=hfvae", "beta=12", "gamma=4", "objective.levels=[5,6]")
    got = objective(config, NESTED)
    assert got.weights_of_terms.levels == [12, 5, 6]
    parts = decomposed(NESTED)
    values = dict(zip(TERM_NAMES, parts.terms.stack(), strict=True))
    rate = sum(values.values()) - values["reconstruction"]
    expected = (
        values["reconstruction"]
        + values["index_code_mi"]
        + 12 * parts.levels_L[0]
        + 5 * parts.levels_L[1]
        + 6 * parts.levels_L[2]
        + values["dimension_wise_kl"]
    )
    torch.testing.assert_close(loss_of(got, values["reconstruction"], rate, parts), expected)
    assert objective(composed("objective=hfvae", "gamma=4"), NESTED).weights_of_terms.levels[
        1:
    ] == [4, 4]


@pytest.mark.parametrize(
    ("tree", "levels", "message"),
    [
        (NESTED, "[1]", "has 1 weights, but the prior's tree has 2 levels below its groups"),
        (TREE, "[1,2]", "has 2 weights, but the prior's tree has 1 level below its groups"),
    ],
)
def test_another_number_of_levels_is_refused(
    composed: Callable[..., RunConfig], tree: Node, levels: str, message: str
):
    with pytest.raises(UsageError, match=message):
        objective(composed("objective=hfvae", f"objective.levels={levels}"), tree)


def test_weights_follow_their_schedule(composed: Callable[..., RunConfig]):
    rise = "beta={linear: {from: 0, to: 10, over: 100, after: 50}}"
    got = objective(composed("objective=hfvae", rise, "gamma=2"))
    assert not got.is_constant
    for step, expected in ((0, 0), (50, 0), (75, 2.5), (150, 10), (1000, 10)):
        now = got.term_weights(step)
        assert float(now["group_total_correlation"]) == pytest.approx(expected)
        assert now["within_group_total_correlation"] == 2
    fixed = objective(composed("objective=hfvae", "beta=2.5", "gamma=2"))
    arguments = torch.tensor(70.0).double(), torch.tensor(4.0).double(), decomposed()
    torch.testing.assert_close(loss_of(got, *arguments, at=75), loss_of(fixed, *arguments))


def test_every_kind_of_number_can_be_scheduled(composed: Callable[..., RunConfig]):
    plan = "{linear: {from: 0, to: 4, over: 4}}"
    config = composed(
        "objective=annealed_vae",
        "prior=nested",
        f"objective.levels=[1,{plan}]",
        f"++objective.group_information={{a: {plan}}}",
    )
    got = weights_of(objective(config, NESTED), at=1)
    assert got["levels.2"] == 1
    assert got["groups.0"] == 1
    assert got["capacity.nats"] == pytest.approx(25 / 100_000)


def test_one_schedule_behind_all_weights_needs_no_estimate(composed: Callable[..., RunConfig]):
    """KL annealing: at every step the weights are equal, so the closed form is all there is."""
    got = objective(composed("objective=beta_vae", "beta={cyclic: {from: 0, to: 4, over: 10}}"))
    assert not got.plan.needs_aggregate_posterior
    assert weights_of(got, at=2)["rate"] == pytest.approx(4 * 0.4)
    loss = loss_of(got, torch.tensor(3.0), torch.tensor(5.0), None, at=2)
    assert float(loss) == pytest.approx(11)


def test_one_less_alpha_follows_the_schedule_of_alpha(composed: Callable[..., RunConfig]):
    """InfoVAE: the KL weighs 1 - alpha and the divergence alpha + beta - 1 at every step."""
    words = "alpha={linear: {from: 0, to: 0.5, over: 10}}"
    got = objective(composed("objective=info_vae", words, "beta=3"))
    assert not got.plan.needs_aggregate_posterior
    for step, alpha in ((0, 0), (5, 0.25), (10, 0.5), (99, 0.5)):
        now = got.term_weights(step)
        assert {round(weight, 6) for weight in list(now.values())[1:]} == {1 - alpha}
        assert weights_of(got, at=step)["mmd.weight"] == pytest.approx(alpha + 2)


@pytest.mark.parametrize("held", [None, 3])
def test_log_weights_are_of_the_minibatch_or_of_a_bank_too(
    composed: Callable[..., RunConfig], held: int | None
):
    like = torch.zeros((), dtype=torch.float64)
    is_held_K = None if held is None else (torch.arange(5) < held).double()
    got = objective(composed("objective=vae")).plan.log_weights(4, is_held_K, like)
    assert got.shape == (4, 4 if held is None else 9)
    torch.testing.assert_close(got.exp().sum(1), torch.ones(4).double())
    torch.testing.assert_close(got.diagonal().exp(), torch.full((4,), 1e-3).double())


@pytest.mark.parametrize("held", [None, 3])
def test_equal_weights_are_those_of_all_encodings_that_there_are(
    composed: Callable[..., RunConfig], held: int | None
):
    like = torch.zeros((), dtype=torch.float64)
    is_held_K = None if held is None else (torch.arange(5) < held).double()
    plan = objective(composed("objective=vae", "objective.encoding_weights=equal")).plan
    weights_BM = plan.log_weights(4, is_held_K, like).exp()
    there = 4 + (held or 0)
    torch.testing.assert_close(weights_BM[:, :there], torch.full((4, there), 1 / there).double())
    assert weights_BM[:, there:].eq(0).all()
    assert plan != objective(composed("objective=vae")).plan
