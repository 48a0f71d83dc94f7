"""Groups of variables: which columns they have, and what is refused."""

from __future__ import annotations

import pytest

from runner.errors import UsageError
from runner.metric import Variable
from runner.metric.variables import grouped

VARIABLES = [Variable("kind", slice(0, 3)), Variable("x", slice(3, 4)), Variable("y", slice(4, 5))]


def test_each_variable_is_a_group_unless_groups_are_known():
    found = grouped(VARIABLES, None)
    assert [group.name for group in found] == ["kind", "x", "y"]
    assert [group.columns.tolist() for group in found] == [[0, 1, 2], [3], [4]]


def test_a_group_has_the_columns_of_its_variables():
    found = grouped(VARIABLES, {"rest": ["x"], "mixed": ["kind", "y"]})
    assert [group.columns.tolist() for group in found] == [[3], [0, 1, 2, 4]]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": ["kind", "x"]}, "no group has y"),
        ({"a": ["kind", "x"], "b": ["x", "y"]}, "variable 'x' is in two groups"),
        ({"a": ["kind", "x", "y", "z"]}, "group 'a' names a variable 'z' of none"),
        ({"a": ["kind", "x", "y"], "b": []}, "group 'b' has no variables"),
    ],
)
def test_groups_hold_each_variable_once(groups: dict[str, list[str]], message: str):
    with pytest.raises(UsageError, match=message):
        grouped(VARIABLES, groups)
