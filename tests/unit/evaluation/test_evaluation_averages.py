"""Means over chunks of samples and their standard errors, against those of the samples."""

from __future__ import annotations

import math

import pytest
import torch

from runner.evaluation.averages import Averages, known, ratio_error, standard_error


def averages_of(values_MT: torch.Tensor, sizes: list[int]) -> Averages:
    found = Averages()
    for part in values_MT.split(sizes):
        found.add(part.mean(0), len(part))
    return found


def test_chunks_of_one_sample_have_the_standard_error_of_the_samples():
    values = torch.randn(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = averages_of(values, [1] * 30)
    assert found.mean().tolist() == pytest.approx(values.mean(0).tolist(), abs=1e-12)
    expected = values.std(0) / math.sqrt(30)
    assert found.standard_error().tolist() == pytest.approx(expected.tolist(), abs=1e-12)
    assert standard_error(values).tolist() == pytest.approx(expected.tolist(), abs=1e-12)


def test_unequal_chunks_weigh_as_many_samples_as_they_have():
    values = torch.randn(1030, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = averages_of(values, [20] * 51 + [10])
    assert float(found.mean()) == pytest.approx(float(values.mean()), abs=1e-12)
    assert float(found.standard_error()) == pytest.approx(1 / math.sqrt(1030), rel=0.3)


def test_a_single_chunk_has_no_standard_error():
    found = averages_of(torch.ones(5, 2), [5])
    assert known({"a": float(found.standard_error()[0]), "b": {"c": 1.0}}) == {
        "a": None,
        "b": {"c": 1.0},
    }


def test_the_error_of_a_ratio_is_its_spread_over_repetitions():
    source = torch.Generator().manual_seed(2)
    below_RN = 1 + torch.rand(4000, 60, generator=source, dtype=torch.float64)
    above_RN = 0.3 * below_RN + torch.rand(4000, 60, generator=source, dtype=torch.float64)
    spread = float((above_RN.mean(1) / below_RN.mean(1)).std())
    said = [
        ratio_error(above_N, below_N)
        for above_N, below_N in zip(above_RN[:100], below_RN[:100], strict=True)
    ]
    assert sum(said) / len(said) == pytest.approx(spread, rel=0.05)
    assert math.isnan(ratio_error(above_RN[0, :1], below_RN[0, :1]))
