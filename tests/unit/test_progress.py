"""What a computation says of itself: to the innermost listener, which may stop it."""

from __future__ import annotations

import pytest

from runner import progress


class Heard:
    """A listener that remembers what it heard, and stops after some items."""

    def __init__(self, most: int = 99) -> None:
        self.said: list[tuple[str, int, int]] = []
        self.missing: list[str] = []
        self._most = most

    def tell(self, what: str, done: int, total: int) -> None:
        self.said.append((what, done, total))
        self.check()

    def check(self) -> None:
        if len(self.said) > self._most:
            raise KeyboardInterrupt

    def left_out(self, what: str) -> None:
        self.missing.append(what)


def test_nobody_needs_to_listen() -> None:
    progress.left_out("all of it")
    progress.check()
    assert list(progress.counted("abc", "letters", 3)) == ["a", "b", "c"]


def test_a_loop_says_how_far_it_is_before_each_item_and_at_its_end() -> None:
    heard = Heard()
    with progress.listening(heard):
        assert list(progress.counted("ab", "letters", 2)) == ["a", "b"]
        progress.left_out("c")
    progress.tell("nothing", 1, 1)
    assert heard.said == [("letters", 0, 2), ("letters", 1, 2), ("letters", 2, 2)]
    assert heard.missing == ["c"]


def test_the_innermost_listener_hears() -> None:
    outside, inside = Heard(), Heard()
    with progress.listening(outside):
        with progress.listening(inside):
            progress.tell("in", 1, 2)
        progress.tell("out", 1, 2)
    assert inside.said == [("in", 1, 2)]
    assert outside.said == [("out", 1, 2)]


def test_a_listener_stops_a_loop_between_two_items() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), progress.listening(Heard(most=3)):
        done.extend(progress.counted(range(100), "numbers", 100))
    assert done == [0, 1, 2]
    progress.check()  # the listener is gone
