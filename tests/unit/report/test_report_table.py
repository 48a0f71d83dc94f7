"""The table and the files of a comparison say the same numbers."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from runner.comparison.baseline import choose_baselines, differences
from runner.comparison.configurations import Comparison, Configuration, compare_runs
from runner.comparison.runs import read_runs
from runner.comparison.statistics import Spread, decimals_of
from runner.errors import UsageError
from runner.report.export import as_json, configurations_csv, differences_csv, relative, runs_csv
from runner.report.html import render
from runner.report.table import comparison_table
from tests.made_comparison import compare, made_run
from tests.made_run_folders import config, write_grid, write_run


@pytest.fixture
def grid(tmp_path: Path) -> Comparison:
    return compare_runs(read_runs([write_grid(tmp_path / "grid")]), None, None)


def lines(
    comparison: Comparison, width: int | None = None, *, against: str | None = None
) -> list[str]:
    baselines = choose_baselines(comparison, against)
    found = differences(comparison, baselines)
    shown = comparison_table(comparison, found, baselines, width=width, ascii_only=False)
    console = Console(width=width or 1000, highlight=False)
    with console.capture() as capture:
        console.print(shown.table)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_row_is_a_configuration_with_mean_deviation_and_difference(grid: Comparison):
    head, _, first, second, *_ = lines(grid)
    names = "objective beta gamma seeds ELBO reconstruction rate ELBO, difference"
    assert head.split() == names.split()
    # 0, -0.5 and -2 below -100: mean -100.833, deviation 1.041
    row = "beta_vae 1 3 -100.8 ± 1.0 81.0 ± 1.0 10.0 ± 0.0 baseline"
    assert " ".join(first.split()) == row
    assert second.split()[:6] == ["beta_vae", "4", "3", "-110.8", "±", "1.1"]
    assert second.endswith("*")


def test_what_does_not_fit_is_left_out_from_the_end_and_named(grid: Comparison):
    baselines = choose_baselines(grid, None)
    found = differences(grid, baselines)
    for width in (50, 60, 70, 80, 100, 200):
        shown = comparison_table(grid, found, baselines, width=width, ascii_only=False)
        kept = len(grid.metrics) - len(shown.dropped)
        assert kept >= 1
        assert grid.metrics[kept:] == shown.dropped
        text = lines(grid, width)
        assert max(len(line) for line in text) <= width
        assert "…" not in "".join(text)
        if width >= 60:
            assert "-100.8 ± 1.0" in "\n".join(text)
    assert shown.dropped == ()


def test_without_any_width_nothing_is_left_out(grid: Comparison):
    assert "rate" in lines(grid)[0]


def test_configurations_that_pool_count_their_runs(tmp_path: Path):
    runs = read_runs([write_grid(tmp_path / "grid")])
    comparison = compare_runs(runs, ["objective"], None)
    head, _, first, second, *_ = lines(comparison)
    assert head.split()[:2] == ["objective", "runs"]
    assert first.split()[:2] == ["beta_vae", "6"]
    assert second.split()[:2] == ["hfvae", "6"]


def test_two_seeds_have_a_difference_without_an_interval(tmp_path: Path):
    comparison = compare_runs(read_runs([write_grid(tmp_path / "grid", seeds=2)]), None, None)
    assert lines(comparison)[3].endswith("(n = 2)")


def test_one_seed_has_no_deviation(tmp_path: Path):
    comparison = compare_runs(read_runs([write_grid(tmp_path / "grid", seeds=1)]), None, None)
    assert "±" not in "".join(lines(comparison))


@pytest.mark.parametrize(
    "against",
    [
        "beta_vae beta 4",
        "objective=beta_vae,beta=4",
        "objective.name=beta_vae, beta=4.0",
    ],
)
def test_the_baseline_is_chosen_by_label_or_by_settings(grid: Comparison, against: str):
    (configuration,) = choose_baselines(grid, against).values()
    assert configuration is grid.configurations[1]
    assert "baseline" in lines(grid, against=against)[3]


@pytest.mark.parametrize(
    ("against", "message", "hint"),
    [
        ("beta_vae beta 5", "no configuration is called", "did you mean 'beta_vae beta 4'?"),
        ("objective=hvae", "no configuration has objective.name=hvae", "did you mean 'hfvae'?"),
        ("beta=5", "no configuration has beta=5", "there: 1, 4"),
        ("objective=hfvae", "may be 'hfvae beta 4 gamma 1' or 'hfvae beta 4 gamma 2'", None),
        ("bta=4", "these configurations do not differ in 'bta'", "objective.name, beta, gamma"),
        ("beta=4,hfvae", "cannot read --against 'hfvae'", "such as objective=beta_vae,beta=4"),
    ],
)
def test_a_baseline_that_is_not_there_is_answered(
    grid: Comparison, against: str, message: str, hint: str | None
):
    with pytest.raises(UsageError) as caught:
        choose_baselines(grid, against)
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_each_dataset_has_a_baseline_of_its_own(tmp_path: Path):
    for name in ("digits", "mnist"):
        for beta in (1.0, 4.0):
            settings = config("beta_vae", beta=beta, **{"dataset.name": name})
            write_run(tmp_path / name / str(beta), settings, -beta if name == "digits" else -50.0)
    comparison = compare_runs(read_runs([tmp_path]), None, None)
    found = differences(comparison, choose_baselines(comparison, "beta=4"))
    pairs = {(d.first.settings["dataset.name"], d.second.settings["dataset.name"]) for d in found}
    assert pairs == {("digits", "digits"), ("mnist", "mnist")}
    assert {d.mean for d in found if d.metric == "elbo"} == {3.0, 0.0}


@pytest.mark.parametrize(
    ("spreads", "decimals"),
    [
        ([Spread(-100, 1.04, 3), Spread(-90, 2.0, 3)], 1),
        ([Spread(0.5, 0.012, 3)], 3),
        ([Spread(1000, 250, 3)], 0),
        ([Spread(0.501, None, 1), Spread(0.512, None, 1)], 4),
        ([Spread(-112.9, None, 1), Spread(-148.1, None, 1)], 1),
        ([Spread(5, 0.0, 3)], 2),
        ([Spread(0, None, 1)], 2),
        ([], 2),
    ],
)
def test_decimals_follow_the_spread(spreads: list[Spread], decimals: int):
    assert decimals_of(spreads) == decimals


def test_files_hold_full_precision(grid: Comparison, tmp_path: Path):
    named = relative(grid, tmp_path)
    (first, *_) = csv.DictReader(configurations_csv(named).splitlines())
    assert first["objective.name"] == "beta_vae"
    assert first["gamma"] == ""
    assert float(first["elbo mean"]) == grid.configurations[0].values("elbo").mean()
    assert float(first["elbo sd"]) == grid.configurations[0].values("elbo").std(ddof=1)
    runs = list(csv.DictReader(runs_csv(named).splitlines()))
    assert len(runs) == 12
    assert runs[0]["path"] == "grid/0"
    assert runs[0]["architecture.widths"] == "[400, 200]"
    assert float(runs[1]["elbo"]) == -100.5


def test_differences_are_the_same_in_every_file(grid: Comparison, tmp_path: Path):
    found = differences(grid, choose_baselines(grid, None))
    rows = list(csv.DictReader(differences_csv(found).splitlines()))
    content = as_json(relative(grid, tmp_path), found, "vaerun compare grid")
    assert len(rows) == len(content["differences"]) == 3 * len(grid.metrics)
    for row, entry, each in zip(rows, content["differences"], found, strict=True):
        assert float(row["mean"]) == entry["mean"] == each.mean
        assert float(row["low"]) == entry["low"] == each.low
        assert row["n"] == "3"
    assert content["baselines"] == ["beta_vae  beta 1"]
    assert content["shared_settings"]["prior.name"] == "normal"
    assert "beta" not in content["shared_settings"]
    assert content["configurations"][0]["runs"][0]["path"] == "grid/0"
    json.dumps(content, allow_nan=False)


def test_one_seed_is_shown_with_its_standard_error_everywhere():
    run = made_run({"objective.name": "vae"}, {"elbo": -90.0})
    run = replace(run, errors={"elbo": 0.25}, warnings=("MI is at its cap",))
    found = compare(Configuration({"objective.name": "vae"}, (run,)), metrics=("elbo",))
    table = comparison_table(found, [], {}, width=None, ascii_only=True).table
    assert "-90.00 +/- 0.25" in [str(cell) for cell in table.columns[-1].cells]
    head, row = configurations_csv(found).splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["elbo se"] == "0.25"
    head, row = runs_csv(found).splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["elbo se"] == "0.25"
    (one,) = as_json(found, [], "")["configurations"]
    assert one["metrics"]["elbo"] == {"mean": -90.0, "sd": None, "n": 1, "se": 0.25}
    assert one["runs"][0]["standard_errors"] == {"elbo": 0.25}
    assert one["runs"][0]["warnings"] == ["MI is at its cap"]
    page = render(found, [], {}, "vaerun compare")
    assert "MI is at its cap" in page
    assert '<span class="spread"> ± 0.25</span>' in page
