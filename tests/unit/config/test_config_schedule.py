"""A number that may change while training: its shapes, its ends, and what is no schedule."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.config import RunConfig, Schedule, parse_value, restore, schedules, to_yaml
from runner.config.schedule import SHAPES
from runner.errors import UsageError

PLAN = {"from": 1, "to": 5, "over": 100, "after": 20}


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", {0: 1, 20: 1, 45: 2, 70: 3, 120: 5, 10_000: 5}),
        ("cosine", {0: 1, 20: 1, 70: 3, 120: 5, 10_000: 5}),
        # Up in the first half of a cycle, then flat, then from the start again.
        ("cyclic", {0: 1, 20: 1, 45: 3, 70: 5, 119: 5, 120: 1, 145: 3, 10_020: 1, 10_095: 5}),
    ],
)
def test_a_schedule_is_its_shape(shape: str, expected: dict[int, float]):
    plan = parse_value("beta", {shape: PLAN})
    assert isinstance(plan, Schedule)
    assert {step: plan.at(step) for step in expected} == pytest.approx(expected)


def test_a_cosine_is_flat_at_both_ends():
    plan = Schedule("cosine", 0, 1, over=1000, after=0)
    assert plan.at(10) < 0.001
    assert plan.at(990) > 0.999
    assert plan.at(250) == pytest.approx(0.5 - 0.5 / 2**0.5)


@given(shape=st.sampled_from(sorted(SHAPES)), start=st.floats(-9, 9), end=st.floats(-9, 9),
       over=st.integers(1, 500), after=st.integers(0, 500), step=st.integers(0, 2000))  # fmt: skip
def test_a_schedule_never_leaves_its_ends(
    shape: str, start: float, end: float, over: int, after: int, step: int
):
    plan = Schedule(shape, start, end, over, after)
    assert min(start, end) - 1e-9 <= plan.at(step) <= max(start, end) + 1e-9
    if step <= after:
        assert plan.at(step) == start
    elif step >= after + over and shape != "cyclic":
        assert plan.at(step) == pytest.approx(end)
    if shape == "cyclic" and step > after:
        assert plan.at(step + over) == pytest.approx(plan.at(step), abs=1e-6)


def test_after_is_zero_where_it_is_not_given():
    plan = parse_value("beta", {"linear": {"from": 0, "to": 4, "over": 8}})
    assert plan == Schedule("linear", 0, 4, over=8, after=0)


@pytest.mark.parametrize("number", [0, 4, -1.5, 1e9])
def test_a_number_is_itself(number: float):
    assert parse_value("beta", number) == number
    assert type(parse_value("beta", number)) is type(number)  # as it was given


REFUSED = [
    ("abc", "beta must be a number, or a schedule such as {linear: {from: 0, to: 4"),
    (None, "beta must be a number, or a schedule"),
    (True, "beta must be a number, or a schedule"),
    ([1], "beta must be a number, or a schedule"),
    ({}, "beta: a schedule is one of linear, cosine, cyclic, got ''"),
    ({"liner": PLAN}, "beta: a schedule is one of linear, cosine, cyclic, got 'liner'"),
    ({"linear": PLAN, "cosine": PLAN}, "beta: a schedule is one of"),
    ({"linear": {**PLAN, "form": 1}}, "beta: a schedule has from, to, over, after, not 'form'"),
    ({"linear": {"from": 0, "to": 1}}, "beta: a linear schedule needs over too"),
    ({"linear": {"to": 1, "over": 5}}, "beta: a linear schedule needs from too"),
    ({"linear": None}, "beta.linear must be {from: 0, to: 4, over: 10000}, got null"),
    ({"linear": 3}, "beta.linear must be {from: 0, to: 4, over: 10000}, got 3"),
    ({"linear": {**PLAN, "to": "x"}}, "beta.linear.to must be a number, got 'x'"),
    ({"linear": {**PLAN, "to": True}}, "beta.linear.to must be a number, got true"),
    ({"linear": {**PLAN, "over": 0}}, "beta.linear.over must be at least 1 step and after"),
    ({"linear": {**PLAN, "after": -1}}, "beta.linear.over must be at least 1 step"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_is_no_number_is_refused_in_one_line(value: object, message: str):
    with pytest.raises(UsageError) as refused:
        parse_value("beta", value)
    assert refused.value.message.startswith(message)
    assert "\n" not in refused.value.message


def test_the_nearest_shape_and_key_are_offered():
    for value, hint in (({"liner": PLAN}, "linear"), ({"linear": {**PLAN, "form": 1}}, "from")):
        with pytest.raises(UsageError) as refused:
            parse_value("beta", value)
        assert refused.value.hint == f"did you mean '{hint}'?"


def test_schedules_are_found_wherever_a_number_stands(composed: Callable[..., RunConfig]):
    plan = "{linear: {from: 1, to: 2, over: 9}}"
    config = composed(
        f"learning_rate={plan}",
        f"prior.temperature={plan}",
        "objective=hfvae",
        f"gamma={plan}",
        f"objective.levels=[1,{plan}]",
        f"++objective.group_information={{a: {plan}, b: 1}}",
        f"objective.penalties.mmd.weight={plan}",
        f"objective.corruption.amount={plan}",
    )
    found = dict(schedules(config))
    assert set(found) == {
        "learning_rate",
        "prior.temperature",
        "gamma",
        "objective.weights.within_group_total_correlation",
        "objective.levels.1",
        "objective.group_information.a",
        "objective.penalties.mmd.weight",
        "objective.corruption.amount",
    }
    assert set(found.values()) == {Schedule("linear", 1, 2, over=9, after=0)}
    assert dict(schedules(restore(to_yaml(config), []))) == found


def test_settings_without_a_schedule_have_none(composed: Callable[..., RunConfig]):
    assert list(schedules(composed("prior=nested", "++prior.discrete={a: 3}"))) == []


RISE = "alpha={linear: {from: 0, to: 0.4, over: 9}}"
LAMBDA = "beta={linear: {from: 1, to: 3, over: 9}}"


@pytest.mark.parametrize(
    ("words", "key", "start", "end"),
    [
        ((RISE, "beta=3"), "weights.index_code_mi", 1, 0.6),
        ((RISE, "beta=3"), "penalties.mmd.weight", 2, 2.4),
        ((LAMBDA, "alpha=0.5"), "penalties.mmd.weight", 0.5, 2.5),
    ],
)  # fmt: skip
def test_sums_and_differences_of_a_schedule_are_schedules(
    composed: Callable[..., RunConfig], words: tuple[str, ...], key: str, start: float, end: float
):
    plan = dict(schedules(composed("objective=info_vae", *words).objective))[key]
    assert (plan.start, plan.end) == pytest.approx((start, end))
    assert plan.over == 9


def test_a_multiple_of_a_schedule_is_a_schedule(composed: Callable[..., RunConfig]):
    words = "beta={cosine: {from: 1, to: 3, over: 9, after: 2}}"
    found = dict(schedules(composed("objective=dip_vae_i", words).objective))
    assert found["penalties.moments.off_diagonal"] == Schedule("cosine", 1, 3, over=9, after=2)
    assert found["penalties.moments.diagonal"] == Schedule("cosine", 10, 30, over=9, after=2)
