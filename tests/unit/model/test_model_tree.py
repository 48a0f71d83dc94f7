"""Names, groups, and groups within groups."""

from __future__ import annotations

import pytest

from runner.config import PriorConfig
from runner.config.prior_rules import prior_rules
from runner.config.rule import refuse
from runner.errors import UsageError
from runner.model import Node
from runner.model.tree import build_tree, numbered


def config(groups: object = None, *, size: int | None = None, count: int = 4) -> PriorConfig:
    return PriorConfig("normal", count, size, groups, {}, 0.66)


def tree(groups: object, *, discrete: tuple[str, ...] = (), count: int = 4) -> Node:
    """Check the settings as they are read, and then build the tree."""
    settings = config(groups, count=count)
    refuse(prior_rules(settings))
    return build_tree(settings, discrete, numbered("z", count))


def shape(node: Node) -> object:
    """A tree as nested lists of variables."""
    return [shape(child) for child in node.children] if node.children else node.variables[0]


def test_variables_are_numbered():
    assert numbered("style", 3) == ("style_0", "style_1", "style_2")


@pytest.mark.parametrize(
    ("size", "names", "expected"),
    [
        (None, ["z"], [[0, 1, 2, 3]]),
        (4, ["z"], [[0, 1, 2, 3]]),
        (2, ["z_0-1", "z_2-3"], [[0, 1], [2, 3]]),
        (1, ["z_0", "z_1", "z_2", "z_3"], [0, 1, 2, 3]),
    ],
)
def test_groups_of_equal_size(size: int | None, names: list[str], expected: object):
    got = build_tree(config(size=size), (), numbered("z", 4))
    assert [group.name for group in got.children] == names
    assert shape(got) == expected
    assert got.variables == (0, 1, 2, 3)


def test_each_discrete_variable_is_a_group_before_the_others():
    got = build_tree(config(size=2), ("shape", "on"), numbered("z", 4))
    assert [group.name for group in got.children] == ["shape", "on", "z_0-1", "z_2-3"]
    assert shape(got) == [0, 1, [2, 3], [4, 5]]


def test_one_continuous_variable_is_a_group():
    got = build_tree(config(count=1), ("on",), numbered("z", 1))
    assert [group.name for group in got.children] == ["on", "z"]
    assert shape(got) == [0, 1]


def test_groups_may_hold_groups():
    got = tree({"pose": ["z_0", "z_3"], "look": {"a": ["z_1"], "b": ["z_2"]}})
    assert [group.name for group in got.children] == ["pose", "look"]
    assert shape(got) == [[0, 3], [1, 2]]
    assert [group.variables for group in got.children] == [(0, 3), (1, 2)]
    assert [child.name for child in got.children[1].children] == ["look/a", "look/b"]


def test_a_tree_may_be_deeper_and_mix_discrete_variables_in():
    groups = {"a": {"b": {"c": ["z_1", "on"], "d": ["z_0"]}, "e": ["z_2"]}, "f": ["z_3"]}
    got = tree(groups, discrete=("on",))
    assert shape(got) == [[[[2, 0], 1], 3], 4]
    assert got.children[0].children[0].children[0].variables == (0, 2)  # in order
    assert got.children[1].children == ()


NO_NODE = "must be a list of variables or name further groups, got"
NO_TREE = "prior.groups must name groups, like {a: [z_0, z_1], b: [z_2]}, got"
ALL = ["z_0", "z_1", "z_2", "z_3"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": ALL[:2]}, "prior.groups lacks z_2, z_3"),
        ({"a": ALL[:3], "b": ALL[2:]}, "prior.groups has 'b' more than once"),
        ({"a": ["z_0", "z_0", "z_1"], "b": ALL[2:]}, "prior.groups has 'z_0' more than once"),
        ({"a": [*ALL[:3], "z_4"]}, "prior.groups.a names 'z_4', which the prior lacks"),
        ({"a": {"b": ["y"]}}, "prior.groups.a.b names 'y', which the prior lacks"),
        ({"a": []}, f"prior.groups.a {NO_NODE} []"),
        ({"a": "z_0"}, f"prior.groups.a {NO_NODE} z_0"),
        ({"a": None}, f"prior.groups.a {NO_NODE} null"),
        ({"a": {}}, f"prior.groups.a {NO_NODE} {{}}"),
        ({"a": ALL, "b": {}}, f"prior.groups.b {NO_NODE} {{}}"),
        ({}, f"{NO_TREE} {{}}"),
        (["z_0"], f"{NO_TREE} ['z_0']"),
        (3, f"{NO_TREE} 3"),
    ],
)
def test_groups_that_make_no_sense_are_refused_in_one_line(groups: object, message: str):
    with pytest.raises(UsageError) as refused:
        tree(groups)
    assert refused.value.message == message


def test_the_nearest_variable_is_offered():
    with pytest.raises(UsageError) as refused:
        build_tree(config({"a": ["shap"]}), ("shape",), numbered("z", 4))
    assert refused.value.hint == "did you mean 'shape'?"
