"""The table of the records has their values, whatever names occur when."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest

from runner.errors import UsageError
from runner.store.records_csv import append, rewrite

RECORDS = [
    {"step": 1, "loss": 0.1 + 0.2, "a,b": None},
    {"step": 2, "loss": 1e-30, "validation/elbo": -7.25},
    {"step": 3, "validation/elbo": math.inf},
]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_column_holds_a_name_from_its_first_record_on(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    columns = rewrite(path, lambda: RECORDS, tmp_path)
    assert columns == ["step", "loss", "a,b", "validation/elbo"]
    assert rows(path) == [
        {"step": "1", "loss": "0.30000000000000004", "a,b": "", "validation/elbo": ""},
        {"step": "2", "loss": "1e-30", "a,b": "", "validation/elbo": "-7.25"},
        {"step": "3", "loss": "", "a,b": "", "validation/elbo": ""},
    ]


def test_rows_that_are_added_are_those_of_a_new_table(tmp_path: Path) -> None:
    grown, whole = tmp_path / "grown.csv", tmp_path / "whole.csv"
    columns = rewrite(grown, lambda: RECORDS[:2], tmp_path)
    append(grown, columns, RECORDS[2], tmp_path)
    rewrite(whole, lambda: RECORDS, tmp_path)
    assert grown.read_bytes() == whole.read_bytes()


def test_a_data_frame_has_numbers_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rewrite(path, lambda: RECORDS, tmp_path)
    frame = pd.read_csv(path)
    assert frame["step"].tolist() == [1, 2, 3]
    assert frame["loss"][:2].tolist() == pytest.approx([0.3, 1e-30])
    assert frame["a,b"].isna().all()


def test_without_records_the_table_is_empty(tmp_path: Path) -> None:
    assert rewrite(tmp_path / "metrics.csv", list, tmp_path) == []
    assert (tmp_path / "metrics.csv").read_bytes() == b""


def test_a_table_behind_a_link_out_of_the_folder_is_not_written(tmp_path: Path) -> None:
    run, precious = tmp_path / "run", tmp_path / "precious"
    run.mkdir()
    precious.write_text("precious")
    (run / "metrics.csv").symlink_to(precious)
    with pytest.raises(UsageError, match="is a link out of"):
        rewrite(run / "metrics.csv", lambda: RECORDS, run)
    with pytest.raises(UsageError, match="is a link out of"):
        append(run / "metrics.csv", ["step"], {"step": 1}, run)
    assert precious.read_text() == "precious"
