"""What differs between runs of any state, and what only follows from it."""

from __future__ import annotations

from pathlib import Path

from runner.comparison.overview import overview
from runner.comparison.runs import read_run
from runner.comparison.side_by_side import ABSENT, Row, figure_rows, origin_rows, setting_rows
from tests.made_run_folders import config, write_run


def test_what_was_set_is_told_from_what_follows(tmp_path: Path):
    paths = [
        write_run(tmp_path / "a", config("beta_vae", beta=4.0)),
        write_run(tmp_path / "b", config("hfvae", beta=4.0, seed=1)),
    ]
    rows = setting_rows([read_run(path) for path in paths])
    main = {row.name: row.values for row in rows if not row.is_detail}
    assert main == {"objective.name": ("beta_vae", "hfvae"), "seed": (0, 1)}
    details = {row.name for row in rows if row.is_detail}
    assert "name" in details
    assert "objective.weights.within_group_total_correlation" in details
    assert "beta" not in main.keys() | details


def test_the_same_settings_have_no_rows(tmp_path: Path):
    first = read_run(write_run(tmp_path / "a", config()))
    assert setting_rows([first, first]) == []


def test_figures_are_those_of_any_run(tmp_path: Path):
    runs = [
        read_run(write_run(tmp_path / "a", config(), -90.0)),
        read_run(write_run(tmp_path / "b", config(), state="failed")),
    ]
    assert figure_rows(runs, ["elbo"]) == [
        Row("elbo", (-90.0, ABSENT)), Row("rate", (10.0, ABSENT), is_detail=True),
    ]  # fmt: skip


def test_the_state_is_always_there_and_the_rest_where_it_differs(tmp_path: Path):
    runs = [overview(write_run(tmp_path / name, config())) for name in "ab"]
    assert origin_rows(runs) == [Row("state", ("finished", "finished"))]
    versions = '{"state": "failed", "versions": {"torch": "2", "vaerun": "1"}, "host": "x"}'
    (tmp_path / "b" / "status.json").write_text(versions)
    found = origin_rows([runs[0], overview(tmp_path / "b")])
    assert {row.name: row.values for row in found} == {
        "state": ("finished", "failed"),
        "host": (ABSENT, "x"),
        "torch": (ABSENT, "2"),
        "vaerun": (ABSENT, "1"),
    }


def test_true_is_not_one():
    assert Row("a", (True, 1)).differs
    assert not Row("a", (1.0, 1)).differs
