"""No cell of a CSV table is taken for a formula, and no name acts where it is shown."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from runner.comparison.configurations import compare_runs
from runner.comparison.runs import read_runs
from runner.report.export import as_json, configurations_csv, differences_csv, runs_csv
from runner.report.html import render
from tests.made_run_folders import config, write_run

CELLS = {
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "+1+2": "'+1+2",
    "-2+3": "'-2+3",
    "@SUM(1)": "'@SUM(1)",
    "  =1": "'  =1",
    "\t=1": r"\t=1",
    "\r=1": r"\x0d=1",
    "\n=1": r"\n=1",
    "a;=1": "a;'=1",
    "\uff1d1+1": "'\uff1d1+1",
    "-3": "-3",
    "+1.5e-3": "+1.5e-3",
    "a=1": "a=1",
    "beta -1": "beta -1",
    "\x1b[31mred": r"\x1b[31mred",
}


def cells(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table)))


@pytest.mark.parametrize("text", CELLS)
def test_no_text_is_a_formula(tmp_path: Path, text: str):
    """Neither a value, nor the name of a setting, a metric or a folder."""
    settings = config(name=text, **{"dataset.name": text, "wandb.group": text})
    settings["wandb"][text] = 1
    for folder, beta in ((text.replace("/", ""), 1.0), ("other", 2.0)):
        write_run(tmp_path / folder, {**settings, "beta": beta}, scores={text: 0.5})
    comparison = compare_runs(read_runs([tmp_path]), ["name", "beta"], None)
    for table in (configurations_csv(comparison), runs_csv(comparison)):
        found = [cell for row in cells(table) for cell in row]
        assert not [cell for cell in found if cell.lstrip()[:1] in set("=+@") and cell[1:2] != "1"]
        assert CELLS[text] in found
        assert "\x1b" not in table
        assert "\r" not in table


def test_numbers_stay_numbers(tmp_path: Path):
    write_run(tmp_path / "a", config(beta=4.0, learning_rate=1e-5), elbo=-90.5)
    head, row = cells(runs_csv(compare_runs(read_runs([tmp_path]), None, None)))
    found = dict(zip(head, row, strict=True))
    assert [found[name] for name in ("elbo", "beta", "learning_rate", "seed")] == [
        "-90.5", "4.0", "1e-05", "0",
    ]  # fmt: skip
    assert float(cells(differences_csv([]))[0][0] == "metric")


def test_names_do_not_act_in_the_page_or_in_json(tmp_path: Path):
    evil = "\x1b]0;x\x07\u202e\x9b"
    for number, beta in enumerate((1.0, 4.0)):
        settings = config(beta=beta, name=evil, **{"dataset.name": f"<b>{evil}"})
        write_run(tmp_path / str(number), settings, scores={evil: 0.5})
    write_run(tmp_path / evil, config(beta=9.0), state="failed")
    comparison = compare_runs(read_runs([tmp_path]), None, ["all"])
    page = render(comparison, [], {}, f"vaerun compare {evil}")
    shown = r"\x1b]0;x\x07\u202e\x9b"
    assert f"&lt;b&gt;{shown}" in page
    assert f"vaerun compare {shown}" in page
    assert not set(page) & set("\x1b\x07\u202e\x9b")
    assert as_json(comparison, [], "")["shared_settings"]["name"] == shown
