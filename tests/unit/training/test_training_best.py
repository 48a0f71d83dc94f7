"""Which validation is the best, and when training stops."""

from __future__ import annotations

import pytest

from runner.config import StopEarlyConfig
from runner.training import BestSoFar

HIGHER, LOWER = 1, -1


def best(
    sign: int = HIGHER, *, begins: int = 0, restarted: int = 0, **changes: object
) -> BestSoFar:
    settings = {"metric": "elbo", "patience": 2, "min_delta": 0.0, "after": 0} | changes
    return BestSoFar(StopEarlyConfig(**settings), sign, begins, restarted)  # pyright: ignore


def told(of: BestSoFar, values: list[float | None]) -> list[tuple[bool, bool]]:
    """(whether it is the best so far, whether training is over) after each validation."""
    return [(of.tell(10 * (i + 1), value), of.is_over) for i, value in enumerate(values)]


def test_the_best_is_the_highest_and_the_patience_counts_what_is_not_better():
    of = best()
    assert told(of, [-5.0, -4.0, -4.0, -4.5]) == [
        (True, False), (True, False), (False, False), (False, True),
    ]  # fmt: skip
    assert (of.value, of.step, of.waited) == (-4.0, 20, 2)


def test_where_lower_is_better_the_lowest_is_the_best():
    of = best(LOWER)
    assert [is_best for is_best, _ in told(of, [5.0, 6.0, 4.0])] == [True, False, True]
    assert of.step == 30


def test_a_small_improvement_is_the_best_and_does_not_end_the_wait():
    of = best(min_delta=1.0)
    assert told(of, [0.0, 0.5, 0.9]) == [(True, False), (True, False), (True, True)]


def test_small_improvements_that_add_up_end_the_wait():
    of = best(min_delta=1.0)
    assert [over for _, over in told(of, [0.0, 0.6, 1.2, 1.3, 1.4])] == [False] * 4 + [True]


def test_what_is_not_a_number_is_never_better():
    of = best()
    assert told(of, [None, None]) == [(False, False), (False, True)]
    assert of.value is None


def test_validations_before_the_first_step_that_counts_are_not_the_best():
    of = best(after=30)
    assert told(of, [9.0, 8.0, 1.0, 0.5, 0.4]) == [
        (False, False), (False, False), (True, False), (False, False), (False, True),
    ]  # fmt: skip


def test_validations_of_a_model_that_is_not_whole_are_not_the_best():
    of = best(begins=20)
    assert told(of, [9.0, 8.0, 1.0, 0.5, 0.4]) == [
        (False, False), (False, False), (True, False), (False, False), (False, True),
    ]  # fmt: skip


def test_without_patience_training_never_stops():
    assert not any(over for _, over in told(best(patience=None), [1.0] * 50))


@pytest.mark.parametrize(("restarted", "over"), [(0, 30), (30, 50), (40, 60)])
def test_a_run_that_goes_on_after_it_stopped_waits_anew(restarted: int, over: int):
    of = best(restarted=restarted)
    ends = [i for i, (_, is_over) in enumerate(told(of, [1.0] * 8)) if is_over]
    assert 10 * (ends[0] + 1) == over
    assert of.step == 10
