"""Tables of single runs: lists of them, their records as curves, their figures, side by side."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from runner.comparison.chosen_settings import differing
from runner.comparison.overview import Overview, read_overviews
from runner.comparison.side_by_side import ABSENT, Row
from runner.report.record_curves import curve, curves_table
from runner.report.run_figures import figure_tables, is_main
from runner.report.run_list import iso_time, list_csv, list_json, list_table
from runner.report.side_by_side import as_json, figures_table, run_labels, values_table
from tests.made_run_folders import config, write_run


def lines(table: Table) -> list[list[str]]:
    """The cells of each row, as a pipe has them."""
    console = Console(width=1000, file=io.StringIO(), color_system=None)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [[cell for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def cells(table: Table) -> list[list[str]]:
    return [[cell.strip() for cell in line] for line in lines(table)]


@pytest.fixture
def runs(tmp_path: Path) -> list[Overview]:
    write_run(tmp_path / "0", config("vae", seed=1), -90.25)
    write_run(tmp_path / "1", config("hfvae", beta=4.0), state="failed")
    (write_run(tmp_path / "2", config()) / "config.yaml").write_text("")
    status = '{"state": "failed", "step": 1500, "steps": 20000}'
    (tmp_path / "1" / "status.json").write_text(status)
    return read_overviews(sorted(tmp_path.iterdir()))


def own(runs: list[Overview]) -> list[dict[str, object]]:
    found = iter(differing([run.run for run in runs if run.run]))
    return [next(found) if run.run else {} for run in runs]


def test_a_list_has_a_row_for_every_folder(runs: list[Overview]):
    table = cells(list_table(runs, own(runs), age_text=lambda _: "now"))
    assert table[0] == [
        "run", "state", "objective", "dataset", "settings", "steps", "ELBO", "age",
    ]  # fmt: skip
    assert table[2][1:] == ["finished", "vae", "digits", "seed=1", "-", "-90.25", "now"]
    assert table[3][1:4] == ["failed", "hfvae", "digits"]
    assert table[3][4:] == ["beta=4", "seed=0", "1,500 of 20,000", "-", "now"]
    assert table[4][1] == "corrupt"
    assert "is empty" in " ".join(table[4])


@pytest.mark.parametrize("width", [200, 100, 80])
def test_a_list_fits_into_the_terminal_and_loses_no_path(tmp_path: Path, width: int):
    names = ["2026-01-31/120000-1a2b-sprites-hfvae", "sweep-x/9"]
    for place, name in enumerate(names):
        write_run(tmp_path / name, config("hfvae", beta=4.0 + place, learning_rate=0.1 + place))
    found = read_overviews(tmp_path / name for name in names)
    found = [replace(run, path=run.path.relative_to(tmp_path)) for run in found]
    table = list_table(found, own(found), age_text=lambda _: "1 h", width=width)
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table)
    text = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(len(line.rstrip()) for line in text) <= width
    paths = "".join(line[: table.columns[0].width or len(names[0])].strip() for line in text[2:])
    assert paths == "".join(names)
    assert ("dataset" in text[0]) == (width == 200)
    assert "-100.00" in text[2]
    assert "beta=4" in text[2]


def test_a_score_has_a_column_where_one_has_it(tmp_path: Path):
    run = write_run(tmp_path / "a", config())
    scores = '{"of": {"step": 1000}, "scores": {"mean/mig": {"scores": {"mig": 0.25}}}}'
    (run / "scores.json").write_text(scores)
    table = cells(list_table(read_overviews([run]), [{}], age_text=lambda _: "now"))
    assert table[0][-2:] == ["MIG", "age"]
    assert table[2][-2:] == ["0.250", "now"]


def test_csv_and_json_have_the_same_in_full(runs: list[Overview]):
    rows = list(csv.DictReader(io.StringIO(list_csv(runs, own(runs)))))
    assert [row["state"] for row in rows] == ["finished", "failed", "corrupt"]
    assert (rows[0]["seed"], rows[0]["beta"], rows[0]["elbo"]) == ("1", "", "-90.25")
    assert (rows[1]["beta"], rows[1]["step"], rows[1]["steps"]) == ("4.0", "1500", "20000")
    found = list_json(runs, own(runs))
    assert [each["run"] for each in found] == [row["run"] for row in rows]
    assert [each["changed"] for each in found] == [row["changed"] for row in rows]
    assert found[0]["metrics"] == {"elbo": -90.25, "rate": 10.0}
    assert found[1]["differing"] == {"beta": 4.0, "seed": 0}


def test_a_time_that_no_calendar_has_is_none(runs: list[Overview]):
    assert iso_time(replace(runs[0], changed=1.0)) == "1970-01-01T00:00:01+00:00"
    assert iso_time(replace(runs[0], changed=1e18)) is None
    assert iso_time(replace(runs[0], changed=None)) is None


def test_a_name_is_no_formula_in_csv(tmp_path: Path):
    run = write_run(tmp_path / "a", config(learning_rate="=1+1"))
    other = write_run(tmp_path / "b", config())
    found = read_overviews([run, other])
    assert "'=1+1" in list_csv(found, own(found))


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([0.0, 1.0], "▁█"), ([7.0, 0.0, 3.5], "█▁▅"), ([2.0, 2.0], "▁▁"), ([], ""),
        ([None, 1.0, None, 0.0], " █ ▁"), ([None], ""), ([1.0, 1.0, 0.0, 0.0], "██▁▁"),
    ],
)  # fmt: skip
def test_a_curve_goes_from_the_lowest_to_the_highest(values: list[float | None], bars: str):
    assert curve(values) == bars


def test_a_long_curve_is_of_means():
    assert curve([float(i // 100) for i in range(400)], 4) == "▁▃▆█"
    assert len(curve([float(i) for i in range(1000)])) == 24


def test_records_have_a_row_for_the_loss_and_each_term():
    records = [
        {"step": 1, "loss": 9.0, "terms/reconstruction": 8.0, "validation/elbo": -9.0},
        {"step": 2000, "loss": None, "terms/reconstruction": 5.0, "validation/elbo": -6.0},
    ]
    table = cells(curves_table(records, ascii_only=False))
    assert table[0] == ["record", "step 1", "step 2,000", "course"]
    assert table[2:] == [
        ["loss", "9.000", "-", "▁"],
        ["reconstruction", "8.000", "5.000", "█▁"],
        ["ELBO of the validation images", "-9.000", "-6.000", "▁█"],
    ]
    assert "▁" not in str(cells(curves_table(records, ascii_only=True)))


def test_figures_of_a_run():
    metrics = {
        "elbo": -90.0, "terms/reconstruction": 80.0, "scores/mean/mig": 0.25,
        "scores/sampled/mig": 0.125, "scores/mean/mig/shape": 0.5,
        **{f"information/variable/z_{i}": float(i) for i in range(30)},
        "information/group/a": 1.0, "information/factor/a/shape": 0.5,
        "information/factor/a/size": 0.75,
    }  # fmt: skip
    terms, variables, groups, scores = map(cells, figure_tables(metrics, {}, ascii_only=False))
    assert terms[2:] == [["ELBO", "-90.000"], ["reconstruction", "80.000"]]
    assert variables[2] == ["z_29", "29.000", "-"]
    assert variables[-1] == ["and 10 more"]
    assert groups[2] == ["a", "1.000", "size", "0.750"]
    assert scores[2:] == [["MIG", "0.250"], ["MIG (sampled)", "0.125"]]
    assert list(figure_tables({}, {}, ascii_only=False)) == []
    assert not is_main("scores/mean/mig/shape")


def test_runs_side_by_side():
    labels = run_labels([Path("x/0"), Path("y/0"), Path("y/1")])
    assert labels == ["x/0", "y/0", "y/1"]
    assert run_labels([Path("a"), Path("a")]) == ["a", "a"]
    rows = [Row("elbo", (-90.0, -80.0, ABSENT)), Row("rate", (ABSENT, 1.0, 2.0))]
    table = cells(figures_table(rows, labels))
    assert table[0] == ["figure", "x/0", "y/0", "difference", "y/1", "difference"]
    assert table[2] == ["ELBO", "-90.000", "-80.000", "+10.000", "-", "-"]
    assert table[3] == ["rate", "-", "1.000", "-", "2.000", "-"]
    settings = [Row("prior.name", ("normal", None, ABSENT), is_detail=True)]
    assert cells(values_table("setting", settings, labels))[2] == ["prior", "normal", "null", "-"]
    found = as_json([Path("a")] * 3, [], settings, rows)
    assert found["settings"]["prior.name"] == {"values": ["normal", None, None], "follows": True}
    assert found["figures"]["elbo"]["differences"] == [10.0, None]
    assert not found["same_settings"]


def test_the_training_estimate_and_errors_stand_beside_the_figures_of_a_run():
    metrics = {
        "elbo": -90.0, "terms/index_code_mi": 8.0, "training_estimate/terms/index_code_mi": 12.0,
    }  # fmt: skip
    errors = {"terms/index_code_mi": 0.5, "training_estimate/terms/index_code_mi": 0.25}
    (terms,) = map(cells, figure_tables(metrics, errors, ascii_only=True))
    assert terms[0] == ["quantity", "evaluation", "training estimate"]
    assert terms[2:] == [
        ["ELBO", "-90.000"], ["index-code MI", "8.000 +/- 0.500", "12.000 +/- 0.250"],
    ]  # fmt: skip
