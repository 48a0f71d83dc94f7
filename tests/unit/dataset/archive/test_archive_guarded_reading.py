import re
from pathlib import Path

import pytest

from runner.dataset.archive.guarded_reading import check_shape, no_array, reading
from runner.errors import DataError


def test_a_missing_file_and_a_damaged_one_are_one_line():
    with pytest.raises(DataError, match=r"^'data/x' is missing$"), reading(Path("data/x")):
        raise FileNotFoundError(2, "No such file", "elsewhere")
    message = "'x' is truncated or corrupt: too short"
    with pytest.raises(DataError, match=f"^{message}$") as caught, reading(Path("x")):
        raise EOFError("too short\nat byte 3")
    assert isinstance(caught.value.__cause__, EOFError)


def test_an_error_without_words_is_named():
    with pytest.raises(DataError, match=r"corrupt: EOFError$"), reading(Path("x")):
        raise EOFError


def test_a_bug_stays_a_bug():
    with pytest.raises(ZeroDivisionError), reading(Path("x")):
        raise ZeroDivisionError
    with pytest.raises(EOFError), reading(Path("x"), damage=(ValueError,)):
        raise EOFError


def test_a_shape_is_checked_whatever_holds_its_numbers():
    check_shape("'im'", Path("x"), [2, 3], (2, 3))
    message = "'im' of 'x' should have the shape (2, 3), not (3, 2)"
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        check_shape("'im'", Path("x"), (3, 2), (2, 3))


def test_an_array_that_is_not_there_is_named_with_those_that_are():
    message = no_array("images", Path("x"), ["a", "b"]).message
    assert message == "'x' should have an array 'images', and has a, b"
    assert no_array("images", Path("x"), []).message.endswith("and has nothing")
