"""What was chosen for a run, and in what listed runs differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from runner.comparison.chosen_settings import changed_settings, choices_of, differing
from runner.comparison.runs import ComparedRun, read_run
from tests.made_run_folders import config, write_run


def made(path: Path, objective: str = "hfvae", **changes: Any) -> ComparedRun:
    return read_run(write_run(path, config(objective, **changes)))


def test_the_choices_and_what_is_not_as_they_bring_it(tmp_path: Path):
    run = made(tmp_path / "a", beta=12.0, seed=3)
    assert choices_of(run)["objective"] == "hfvae"
    assert changed_settings(run) == {
        "beta": 12.0, "seed": 3, "name": "digits-hfvae",
    }  # fmt: skip


def test_what_a_run_went_on_with_counts(tmp_path: Path):
    path = write_run(tmp_path / "a", config())
    settings = yaml.safe_load((path / "config.yaml").read_text())
    (path / "config.yaml").write_text(yaml.safe_dump(settings | {"steps": 5000}))
    assert (changed_settings(read_run(path)) or {})["steps"] == 5000


def test_a_folder_that_does_not_say_how_it_was_chosen(tmp_path: Path):
    path = write_run(tmp_path / "a", config())
    (path / "config_unresolved.yaml").unlink()
    run = read_run(path)
    assert changed_settings(run) is None
    assert choices_of(run) == {
        "architecture": "mlp", "prior": "normal", "dataset": "digits", "objective": "hfvae",
    }  # fmt: skip


def test_listed_runs_show_what_was_set_by_hand_and_differs(tmp_path: Path):
    runs = [
        made(tmp_path / "0", "vae", seed=1),
        made(tmp_path / "1", "hfvae", beta=4.0, seed=2, learning_rate=0.01),
        made(tmp_path / "2", "hfvae", beta=9.0, seed=2, **{"prior.name": "laplace"}),
    ]
    assert differing(runs) == [
        {"prior.name": "normal", "learning_rate": 0.001, "seed": 1},  # beta has no effect
        {"prior.name": "normal", "beta": 4.0, "learning_rate": 0.01, "seed": 2},
        {"prior.name": "laplace", "beta": 9.0, "learning_rate": 0.001, "seed": 2},
    ]
    assert differing(runs[:1]) == [{}]
    assert differing([]) == []


def test_where_a_run_works_and_what_follows_are_not_shown(tmp_path: Path):
    runs = [
        made(tmp_path / "0", "hfvae", beta=4.0, **{"wandb.project": "a"}),
        made(tmp_path / "1", "hfvae", beta=9.0, **{"wandb.project": "b", "name": "x"}),
    ]
    assert differing(runs) == [{"beta": 4.0}, {"beta": 9.0}]
