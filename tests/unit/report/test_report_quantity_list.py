"""The list of metrics, for a reader and for a program."""

from __future__ import annotations

import re

import pytest

from runner.report import quantity_list
from runner.report.quantity_list import print_quantities

NAMES = ["elbo", "scores/mean/mig", "scores/model/pruning/variables_for_90_percent"]


def test_a_pipe_has_a_line_per_metric_the_name_first(capsys: pytest.CaptureFixture[str]):
    print_quantities(NAMES)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert lines[1].split("  ")[0] == "scores/mean/mig"
    assert " ".join(lines[1].split()) == "scores/mean/mig mutual information gap higher"
    assert lines[0].index("higher") == lines[1].index("higher")  # the columns are aligned


def test_a_terminal_has_a_table_in_which_names_are_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    console = quantity_list.Console
    monkeypatch.setattr(
        quantity_list, "Console", lambda **_: console(force_terminal=True, width=80, no_color=True)
    )
    print_quantities(NAMES)
    out = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    assert out.splitlines()[0].split() == ["name", "title", "unit", "better"]
    assert all(name in out for name in NAMES)
    assert "…" not in out
