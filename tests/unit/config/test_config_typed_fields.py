"""Fields that OmegaConf cannot type: what parsing gives, what is found again, what YAML gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass

import pytest
import yaml
from omegaconf import OmegaConf

from runner.config import RunConfig, Schedule, Value, parse, plain, restore, to_yaml, values
from runner.config.typed_fields import parse_fields
from runner.errors import UsageError

RISE = {"linear": {"from": 0, "to": 4, "over": 10}}
PLAN = Schedule("linear", 0, 4, over=10, after=0)


@dataclass
class Inner:
    """A class within another."""

    weight: Value
    kind: str


@dataclass
class Outer:
    """Every place where a number or a schedule may stand."""

    inner: Inner
    beta: Value
    levels: list[Value]
    named: dict[str, Value]
    count: int
    sizes: list[int]
    missing: Inner | None


def outer() -> Outer:
    return Outer(Inner(RISE, "a"), 2, [1.5, RISE], {"x": RISE, "y": -1}, 3, [4], None)


def test_every_number_is_parsed_wherever_it_stands():
    got = parse_fields(outer())
    expected = Outer(Inner(PLAN, "a"), 2, [1.5, PLAN], {"x": PLAN, "y": -1}, 3, [4], None)
    assert got == expected
    assert type(got.beta) is int


def test_parsing_leaves_its_argument_as_it_was():
    given = outer()
    parse_fields(given)
    assert given == outer()


def test_values_are_found_by_their_type_and_not_by_their_look():
    assert dict(values(parse_fields(outer()))) == {
        "inner.weight": PLAN,
        "beta": 2,
        "levels.0": 1.5,
        "levels.1": PLAN,
        "named.x": PLAN,
        "named.y": -1,
    }


def test_what_was_parsed_is_written_as_it_was_given():
    assert plain(parse_fields(outer())) == {
        "inner": {"weight": RISE, "kind": "a"},
        "beta": 2,
        "levels": [1.5, RISE],
        "named": {"x": RISE, "y": -1},
        "count": 3,
        "sizes": [4],
        "missing": None,
    }


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"beta": "x"}, "beta"),
        ({"inner": Inner("x", "a")}, "inner.weight"),
        ({"levels": [1, "x"]}, "levels.1"),
        ({"named": {"y": "x"}}, "named.y"),
        # A class's own numbers come first: a weight may be a reference to one of them.
        ({"beta": "x", "inner": Inner("x", "a")}, "beta"),
    ],
)
def test_an_error_names_the_setting(change: dict[str, object], key: str):
    given = outer()
    for name, value in change.items():
        setattr(given, name, value)
    with pytest.raises(UsageError) as refused:
        parse_fields(given)
    assert refused.value.message.startswith(f"{key} must be a number, or a schedule such as")


def _raw(value: object) -> Iterator[object]:
    """Every mapping with the look of a schedule in parsed settings; there should be none."""
    if is_dataclass(value) and not isinstance(value, Schedule):
        for field in fields(value):
            yield from _raw(getattr(value, field.name))
    elif isinstance(value, dict):
        if set(value) & {"linear", "cosine", "cyclic"}:
            yield value
        for item in value.values():
            yield from _raw(item)
    elif isinstance(value, list):
        for item in value:
            yield from _raw(item)


def test_no_schedule_stays_unparsed(composed: Callable[..., RunConfig]):
    plan = "{cosine: {from: 1, to: 2, over: 9, after: 3}}"
    config = composed(
        "objective=hfvae", "prior=concrete_normal", f"beta={plan}", f"learning_rate={plan}",
        f"prior.temperature={plan}", f"objective.levels=[{plan}]",
        f"objective.penalties.capacity.nats={plan}",
    )  # fmt: skip
    assert list(_raw(config)) == []
    text = to_yaml(config)
    assert yaml.safe_load(text)["beta"] == {"cosine": {"from": 1, "to": 2, "over": 9, "after": 3}}
    assert to_yaml(restore(text, [])) == text


def test_a_restored_configuration_is_parsed_once_more_from_its_text(
    composed: Callable[..., RunConfig],
):
    """Settings that were parsed are no input of ``parse``; their text is."""
    with pytest.raises(TypeError, match="composed against the schema"):
        parse(OmegaConf.create(plain(composed())))
