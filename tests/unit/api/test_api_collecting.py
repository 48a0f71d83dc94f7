"""Many runs from Python: found by their settings, and side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

import runner
from tests.made_run_folders import config, write_grid, write_run


def test_runs_are_found_by_their_settings(tmp_path: Path):
    write_grid(tmp_path, seeds=2)
    write_run(tmp_path / "9", config("vae", **{"prior.dimensions": 4}), state="failed")
    names = [run.path.name for run in runner.find_runs(tmp_path)]
    assert names == [*map(str, range(8)), "9"]
    for filters, expected in (
        ({"objective": "hfvae"}, "4567"),
        ({"objective": "hfvae", "gamma": 2}, "67"),
        ({"beta": [1, 4], "seed": 1}, "1357"),
        ({"prior__dimensions": 4}, "9"),
        ({"state": "failed"}, "9"),
        ({"architecture__widths": [400, 200], "seed": 0, "objective": "vae"}, "9"),
    ):
        found = runner.find_runs(tmp_path, **filters)
        assert "".join(run.path.name for run in found) == expected
    with pytest.raises(runner.UsageError, match="no run has a setting 'betta'"):
        runner.find_runs(tmp_path, betta=1)
    with pytest.raises(runner.UsageError, match="there is no folder"):
        runner.find_runs(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert runner.find_runs(tmp_path / "empty") == []


def test_runs_are_compared_in_a_table(tmp_path: Path):
    write_grid(tmp_path, seeds=2)
    write_run(tmp_path / "9", config("vae"), state="failed")
    table = runner.compare(tmp_path)
    assert table.shape[0] == 9
    assert list(table)[:6] == ["objective", "beta", "gamma", "seed", "state", "elbo"]
    assert table.loc[str(tmp_path / "6"), ["objective", "beta", "gamma"]].tolist() == [
        "hfvae",
        4,
        2,
    ]
    assert table.loc[str(tmp_path / "9"), "state"] == "failed"
    assert table["elbo"].notna().sum() == 8
    some = runner.compare(runner.find_runs(tmp_path, objective="hfvae"))
    assert "objective" not in some
    assert set(some["gamma"]) == {1, 2}
    with pytest.raises(runner.UsageError, match="no run to compare"):
        runner.compare([])
