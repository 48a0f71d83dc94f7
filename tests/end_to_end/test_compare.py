"""``vaerun compare`` on the command line: the table, the files, and errors in one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Vaerun
from tests.made_run_folders import config, write_grid, write_run


def test_a_grid_is_compared_in_a_table_in_files_and_on_a_page(vaerun: Vaerun, tmp_path: Path):
    write_grid(tmp_path / "grid")
    write_run(tmp_path / "grid" / "77", config(seed=7), state="diverged")
    done = vaerun("compare", "grid", "--no-figures", "--html", "shared/page.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hfvae") == 2
    assert "\x1b" not in done.stdout
    assert "excluded, diverged: grid/77 (it is diverged)" in done.stderr
    folder = tmp_path / "grid" / "comparison"
    written = sorted(path.name for path in folder.iterdir())
    tables = [
        "comparison.html", "comparison.json", "configurations.csv", "differences.csv",
    ]  # fmt: skip
    assert written == [*tables, "figures", "runs.csv"]
    with (folder / "runs.csv").open() as file:
        assert [row["path"] for row in csv.DictReader(file)][:2] == ["0", "1"]
    content = json.loads((folder / "comparison.json").read_text())
    assert content["command"].startswith("vaerun compare grid --no-figures")
    assert str(tmp_path) not in (folder / "comparison.json").read_text()
    page = (folder / "comparison.html").read_bytes()
    assert (tmp_path / "shared" / "page.html").read_bytes() == page
    before = {path: path.read_bytes() for path in folder.glob("*.*")}
    vaerun("compare", "grid", "--no-figures", "--html", "shared/page.html")
    assert {path: path.read_bytes() for path in folder.glob("*.*")} == before


def test_figures_are_drawn_without_a_model_where_there_is_none(vaerun: Vaerun, tmp_path: Path):
    write_grid(tmp_path / "grid")
    done = vaerun("compare", "grid", "--out", "there")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "figures" / "rate_distortion.png").is_file()
    assert not (tmp_path / "grid" / "comparison").exists()


def test_real_runs_are_compared_as_they_are_trained(vaerun: Vaerun, tmp_path: Path):
    small = ["dataset=digits", "debug=default", "objective=beta_vae", "out=runs"]
    assert vaerun("-m", *small, "beta=1,4").returncode == 0
    done = vaerun("compare", "runs", "--metric", "elbo,rate", "--against", "beta=4")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["objective", "beta", "seeds", "ELBO", "rate", "ELBO,", "difference"]
    assert [row[:3] for row in rows[2:4]] == [["beta_vae", "1", "1"], ["beta_vae", "4", "1"]]
    assert rows[3][-1] == "baseline"


def test_metric_list_names_every_metric(vaerun: Vaerun, tmp_path: Path):
    write_grid(tmp_path / "grid")
    done = vaerun("compare", "grid", "--metric", "list")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["elbo", "ELBO", "nats", "higher"],
        ["terms/reconstruction", "reconstruction", "nats", "lower"],
        ["rate", "rate", "nats"],
    ]
    assert not (tmp_path / "grid" / "comparison").exists()


CASES = [
    ([], "compare takes folders of runs", None),
    (["nowhere"], "'nowhere' is not a run folder", "there is no such folder"),
    (["going"], "none of these runs is finished", "1 running"),
    (["grid", "--bye", "beta"], "compare has no option '--bye'", "did you mean '--by'?"),
    (["grid", "--by"], "--by needs a value", None),
    (["grid", "--by", "--wandb"], "--by needs a value", None),
    (["grid", "--by=bta"], "no run has a setting 'bta'", "did you mean 'beta'?"),
    (["grid", "--metric", "ebo"], "no finished run has a metric 'ebo'", "did you mean 'elbo'?"),
    (["grid", "--against", "beta=3"], "no configuration has beta=3", "there: 1, 4"),
    (["grid", "--out", "a", "--out", "b"], "--out is given twice", None),
    (["grid", "beta=4"], "compare takes folders, not settings such as 'beta=4'", None),
    (["broken"], "summary.json' is corrupt", None),
]


@pytest.mark.parametrize(("arguments", "message", "hint"), CASES, ids=lambda v: str(v)[:40])
def test_a_mistake_is_reported_in_one_line(
    vaerun: Vaerun, tmp_path: Path, arguments: list[str], message: str, hint: str | None
):
    write_grid(tmp_path / "grid", seeds=1)
    write_run(tmp_path / "going" / "0", config(), state="running")
    write_run(tmp_path / "broken" / "0", config())
    (tmp_path / "broken" / "0" / "summary.json").write_text("{")
    done = vaerun("compare", *arguments)
    assert done.returncode == (3 if arguments == ["broken"] else 2), done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert len(lines) <= 2
    if hint:
        assert hint in lines[1]
