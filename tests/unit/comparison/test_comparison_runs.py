"""Run folders are found and read as flat settings and figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.comparison.runs import read_runs
from runner.errors import DataError, UsageError
from tests.made_run_folders import config, write_run


def test_a_run_has_its_settings_and_figures_by_flat_names(tmp_path: Path):
    write_run(
        tmp_path / "a",
        config(
            "hfvae",
            beta=12.0,
            seed=3,
            learning_rate={"linear": {"from": 0, "to": 0.001, "over": 100}},
            **{"dataset.hold_out": {"shape": "heart"}},
        ),
        terms={"reconstruction": 80, "dimension_wise_kl": None},
        information={"variable": {"z_0": 1.5}},
        split="test",
    )
    (run,) = read_runs([tmp_path / "a"])
    assert (run.state, run.error, run.seed) == ("finished", None, 3)
    assert run.settings["objective.name"] == "hfvae"
    assert run.settings["objective.weights.group_total_correlation"] == 12.0
    assert run.settings["architecture.widths"] == (400, 200)
    assert run.settings["learning_rate"] == "linear(from 0, to 0.001, over 100)"
    assert run.settings["dataset.hold_out.shape"] == "heart"
    assert run.metrics == {
        "elbo": -100.0,
        "rate": 10.0,
        "terms/reconstruction": 80.0,
        "information/variable/z_0": 1.5,
    }


def test_how_the_settings_were_chosen_is_read_beside_them(tmp_path: Path):
    write_run(tmp_path / "a", config("beta_vae", beta=12.0, **{"prior.dimensions": 3}))
    write_run(tmp_path / "b", config())
    (tmp_path / "b" / "config_unresolved.yaml").unlink()
    (tmp_path / "b" / "status.json").write_text(
        '{"state": "finished", "versions": {"vaerun": "9"}}'
    )
    first, second = read_runs([tmp_path])
    assert first.origin
    assert first.origin.choices["objective"] == "beta_vae"
    assert first.origin.changed == {"beta", "prior.dimensions", "objective.name", "name"}
    assert first.origin.references["objective.weights.index_code_mi"] == "${beta}"
    assert "objective.weights.reconstruction" not in first.origin.references
    assert (second.origin, second.version) == (None, "9")


def test_scores_count_only_for_the_step_that_the_summary_is_about(tmp_path: Path):
    scores = {
        "mean/mig": {"settings": {"bins": 20}, "scores": {"mig": 0.25, "mig/x": 0.5}},
        "mean/sap": {"refused": "no", "scores": {}},
        "model/log_likelihood": {"scores": {"log_likelihood": -90.0}},
    }
    for name, step in (("now", 1000), ("before", 500)):
        write_run(tmp_path / name, config(), scores={"purity": 0.5})
        content = {"of": {"step": step}, "scores": scores}
        (tmp_path / name / "scores.json").write_text(json.dumps(content))
    before, now = read_runs([tmp_path])
    assert {k: v for k, v in now.metrics.items() if k.startswith("scores")} == {
        "scores/purity": 0.5,
        "scores/mean/mig": 0.25,
        "scores/mean/mig/x": 0.5,
        "scores/model/log_likelihood": -90.0,
    }
    assert [name for name in before.metrics if name.startswith("scores")] == ["scores/purity"]


def test_runs_are_found_in_natural_order_each_once_and_nothing_else_is(tmp_path: Path):
    for name in ("10", "9", "deep/2026-01-01/0"):
        write_run(tmp_path / name, config())
    write_run(tmp_path / "9" / "wandb" / "copy", config())  # inside of a run: not another run
    (tmp_path / "9" / ".hydra").mkdir()
    (tmp_path / "9" / ".hydra" / "config.yaml").write_text("a: 1")
    found = [run.path for run in read_runs([tmp_path / "10", tmp_path])]
    expected = ["10", "deep/2026-01-01/0", "9"]
    assert found == [tmp_path / name for name in expected]


def test_a_folder_without_runs_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="not a run folder"):
        read_runs([tmp_path])
    with pytest.raises(UsageError) as caught:
        read_runs([tmp_path / "nowhere"])
    assert caught.value.hint == "there is no such folder"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("summary.json", "{"),
        ("status.json", "[1]"),
        ("scores.json", "nonsense"),
        ("config.yaml", "objective: {name: [}"),
        ("config.yaml", "- a list"),
        ("config.yaml", "just words"),
        ("config_unresolved.yaml", "objective: {name: [}"),
        ("config_unresolved.yaml", "beta: 4\n"),
    ],
)
def test_a_corrupt_file_is_named(tmp_path: Path, file: str, content: str):
    run = write_run(tmp_path / "a", config())
    (run / file).write_text(content)
    kind = DataError if file.endswith(".json") else UsageError
    with pytest.raises(kind) as caught:
        read_runs([run])
    assert str(run / file) in caught.value.message
    assert "\n" not in caught.value.message


def test_settings_are_read_alike_whole_and_part_by_part(tmp_path: Path):
    """Parts begin where a line has a name at its very start, whatever stands in between."""
    text = (
        "# a comment\nseed: 4\nname: 'it''s: {x}\n\n  y: z'\n"
        "wandb:\n  tags:\n  - a\n  - b: 1\nplugins:\n- one\nnote: |\n  beta: 9\n\n  end\nbeta: 2\n"
    )
    run = write_run(tmp_path / "a", {})
    (run / "config.yaml").write_text(text)
    (found,) = read_runs([run])
    assert found.settings == {
        "seed": 4,
        "name": "it's: {x}\ny: z",
        "wandb.tags": ("a", "{b: 1}"),
        "plugins": ("one",),
        "note": "beta: 9\n\nend\n",
        "beta": 2,
    }


@pytest.mark.parametrize("seed", ["abc", [1], 1.5, None])
def test_a_seed_is_a_whole_number(tmp_path: Path, seed: object):
    run = write_run(tmp_path / "a", config(seed=seed))
    with pytest.raises(UsageError, match=r"config\.yaml': seed must be a whole number, got"):
        read_runs([run])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        (".inf", "inf"),
        (".nan", "nan"),
        ("!!binary aGk=", "b'hi'"),
        ("!!set {a}", "{'a'}"),
        ("{linear: 5}", "{linear: 5}"),
        ("{linear: {from: a, to: [1]}}", "linear(from a, to [1])"),
        ('"\\e[31m\\u202e"', r"\x1b[31m\u202e"),
    ],
)
def test_values_that_no_setting_has_are_shown_as_text(tmp_path: Path, text: str, value: str):
    run = write_run(tmp_path / "a", config())
    (run / "config.yaml").write_text(f"{(run / 'config.yaml').read_text()}odd: {text}\n")
    assert read_runs([run])[0].settings["odd"] == value


def test_errors_warnings_and_the_training_estimate_are_read(tmp_path: Path):
    write_run(
        tmp_path / "a",
        config(),
        terms={"index_code_mi": 8.0},
        standard_errors={"elbo": 0.5, "terms": {"index_code_mi": 0.1, "gone": 0.2}},
        training_estimate={
            "terms": {"index_code_mi": 12.0},
            "encodings": 128,
            "standard_errors": {"terms": {"index_code_mi": None}},
        },
        warnings=["one\x1b[2Jtwo"],
    )
    (run,) = read_runs([tmp_path / "a"])
    assert run.errors == {"elbo": 0.5, "terms/index_code_mi": 0.1}
    assert run.metrics["training_estimate/terms/index_code_mi"] == 12.0
    assert "training_estimate/encodings" not in run.metrics
    assert run.warnings == ("one\\x1b[2Jtwo",)


def test_a_number_of_an_older_folder_that_is_an_error_is_none_of_the_metrics(tmp_path: Path):
    write_run(tmp_path / "a", config(), step=9)
    scores = {"log_likelihood": -80.0, "log_likelihood/standard_error": 0.7}
    content = {"of": {"step": 9}, "scores": {"model/log_likelihood": {"scores": scores}}}
    (tmp_path / "a" / "scores.json").write_text(json.dumps(content))
    (run,) = read_runs([tmp_path / "a"])
    assert run.errors == {"scores/model/log_likelihood": 0.7}
    assert "scores/model/log_likelihood/standard_error" not in run.metrics


def test_the_errors_of_scores_are_those_of_their_repeats(tmp_path: Path):
    write_run(tmp_path / "a", config(), step=9)
    errors = {"mig": 0.02, "mig/gone": 0.1, "mig/shape": None}
    entry = {"scores": {"mig": 0.3, "mig/shape": 0.4}, "repeats": 10, "standard_errors": errors}
    content = {"of": {"step": 9}, "scores": {"mean/mig": entry}}
    (tmp_path / "a" / "scores.json").write_text(json.dumps(content))
    (run,) = read_runs([tmp_path / "a"])
    assert run.errors == {"scores/mean/mig": 0.02}
