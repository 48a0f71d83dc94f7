"""What is said of a code that is the same for all images."""

from __future__ import annotations

import torch

from runner.evaluation.code_warnings import code_warnings

COLUMNS = {"a": slice(0, 1), "b": slice(1, 2), "c": slice(2, 5)}


def test_variables_that_differ_need_no_word():
    code_MW = torch.randn(50, 5, generator=torch.Generator().manual_seed(0)) * 0.01
    assert code_warnings(COLUMNS, code_MW) == []
    assert code_warnings(COLUMNS, code_MW[:1]) == []


def test_those_that_do_not_differ_are_named():
    code_MW = torch.randn(50, 5, generator=torch.Generator().manual_seed(0))
    code_MW[:, 1] = 800 + 0.01 * code_MW[:, 1]
    assert code_warnings(COLUMNS, code_MW) == [
        "1 of the 3 variables of the code is the same for every image: b"
    ]
    code_MW[:, 2] = 0.5  # a column of a variable that differs in others
    assert len(code_warnings(COLUMNS, code_MW)) == 1
    assert code_warnings(COLUMNS, torch.ones(50, 5)) == [
        "all 3 variables of the code are the same for every image: a, b, c"
    ]


def test_a_long_list_is_cut():
    columns = {f"z_{v}": slice(v, v + 1) for v in range(8)}
    (sentence,) = code_warnings(columns, torch.zeros(9, 8))
    assert sentence.endswith(": z_0, z_1, z_2, z_3, z_4, …")
    (sentence,) = code_warnings({"z_0": slice(0, 1)}, torch.zeros(9, 1))
    assert sentence == "the code, z_0, is the same for every image"
