from __future__ import annotations

import warnings

import numpy as np
import pytest
import synthetic_codes as synthetic
from sklearn.linear_model import LogisticRegression

from runner.errors import UsageError
from runner.metric.predictors import accuracy, column_of, fit, over_cores, standardise, sum_columns
from runner.metric.variables import Variable


def test_a_single_class_is_always_predicted():
    codes = np.arange(6.0).reshape(3, 2)
    classifier = fit(LogisticRegression(), codes, np.array([4, 4, 4]))
    assert accuracy(classifier, codes * 9, np.array([4, 4, 0])) == pytest.approx(2 / 3)


def test_results_keep_their_order_and_the_costliest_job_starts_first(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    begun: list[int] = []

    def job(number: int) -> int:
        begun.append(number)
        return number

    jobs = [lambda n=n: job(n) for n in range(4)]
    assert over_cores(jobs, [2, 9, 1, 5]) == [0, 1, 2, 3]
    assert begun == [1, 3, 0, 2]


def test_warnings_are_ignored_in_jobs_alone():
    def job() -> None:
        warnings.warn("a solver stopped", UserWarning, stacklevel=1)

    over_cores([job, job], [1, 1])
    with pytest.warns(UserWarning, match="a solver stopped"):
        job()


def test_standardised_columns_have_mean_zero_and_deviation_one():
    train = np.array([[1.0, 0.1, 5.0], [3.0, 0.1, 5.0], [5.0, 0.1, 8.0]])
    inside, outside = standardise(train, train[:1] + 1)
    np.testing.assert_allclose(inside.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(inside.std(0), [1, 0, 1], atol=1e-12)
    assert inside[:, 1].tolist() == [0, 0, 0]  # however 0.1 is rounded
    np.testing.assert_allclose(outside[0, 1], 1)  # only shifted


def test_columns_of_a_variable_are_summed():
    variables = [Variable("y", slice(1, 3)), Variable("z", slice(0, 1))]
    np.testing.assert_array_equal(sum_columns(np.array([[1.0, 2, 3]]), variables), [[5, 1]])


def test_an_unknown_factor_is_refused_with_the_known_ones():
    codes = synthetic.ideal(3, 4, complete=True)
    assert column_of(codes, "factor_1") == 1
    with pytest.raises(UsageError, match=r"no factor 'factor_9' that varies, .*factor_0, factor_1"):
        column_of(codes, "factor_9")
