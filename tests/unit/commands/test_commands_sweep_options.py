"""The options of a grid from the arguments of a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.commands.sweep_options import requested_sweep, selected, sort_options
from runner.errors import UsageError
from tests.foreign_words import foreign_words


def test_overrides_are_sorted_by_what_they_are_about():
    options = sort_options([
        "beta=1,4", "device=cpu", "sweep=smoke", "launcher=slurm", "launcher.jobs=2", "only=0",
        "out=x", "wandb.mode=offline", "data_dir=a,b", "hydra.sweep.dir=y",
    ])  # fmt: skip
    assert (options.name, options.launcher, options.only) == ("smoke", "slurm", "0")
    assert options.settings == ["beta=1,4", "data_dir=a,b"]  # folders that are crossed make runs
    assert options.places == ["device=cpu", "wandb.mode=offline"]
    assert options.folder == ["out=x", "hydra.sweep.dir=y"]
    assert options.of_launcher == ["launcher.jobs=2"]


def test_settings_are_crossed_in_hydra_s_grammar():
    options = sort_options(["beta=1,4", "seed=range(0,2)", "prior=choice(normal,laplace)"])
    sweep = requested_sweep(options)
    assert sweep.name is None
    assert len(list(sweep.runs())) == 8
    assert ("beta=1", "seed=0", "prior=normal") in list(sweep.runs())


def test_a_sweep_file_is_named_and_some_of_its_values_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    options = sort_options(["sweep=smoke", "seed=7", "steps=3"])
    sweep = requested_sweep(options)
    assert sweep.name == "smoke"
    assert options.folder == ["sweep_name=smoke"]
    assert all("seed=7" in run and "steps=3" in run for run in sweep.runs())
    other = sort_options(["sweep=smoke", "sweep_name=mine"])
    assert requested_sweep(other).name == "mine"
    assert other.folder == ["sweep_name=mine"]


def test_a_range_without_steps_is_no_grid():
    with pytest.raises(UsageError, match="a grid needs values, such as beta=1,2"):
        requested_sweep(sort_options(["beta=interval(0,1)"]))


def test_an_override_that_hydra_cannot_parse_is_named():
    with pytest.raises(UsageError, match=r"cannot read 'beta=\[1'"):
        requested_sweep(sort_options(["beta=[1"]))


@pytest.mark.parametrize(
    ("only", "expected"),
    [(None, (0, 1, 2, 3)), ("2", (2,)), ("0,2-3", (0, 2, 3)), ("[1, 3]", (1, 3)), ("3-3", (3,))],
)
def test_some_runs_are_selected(only: str | None, expected: tuple[int, ...]):
    assert selected(only, range(4)) == expected


@pytest.mark.parametrize(
    ("only", "message"),
    [("x", "cannot read only=x"), ("9", "there is no run 9"), ("2-1", "2-1 runs backwards"),
     ("1-", "cannot read only=1-"), ("", "cannot read only="), ("0-10000000000000", "no run 3"),
     ("1,0-3", "there is no run 3"), ("9" * 5000, "cannot read only=999"), ("-1", "cannot read")],
)  # fmt: skip
def test_runs_that_there_are_not_are_refused(only: str, message: str):
    with pytest.raises(UsageError, match=message):
        selected(only, range(3))


def test_a_grid_without_runs_has_none_to_select():
    with pytest.raises(UsageError, match="only=0: the grid has no runs"):
        selected("0", ())


@pytest.mark.parametrize(
    "setting",
    ["seed=range(0,10000000000000)", "seed=range(0,1e30)", "seed=shuffle(range(0,1e12))",
     "seed=range(0,inf)"],
)  # fmt: skip
def test_a_range_of_more_values_than_a_grid_has_runs_is_refused_at_once(setting: str):
    with pytest.raises(UsageError, match="has more than 100,000 values"):
        requested_sweep(sort_options([setting]))


@pytest.mark.parametrize(
    "setting", ["seed=range(0,5,0)", "seed=range(5,0)", "seed=range(0,1,0.0)", "seed=range(nan)",
                "prior=glob(*)"],
)  # fmt: skip
def test_a_range_of_no_values_is_refused(setting: str):
    with pytest.raises(UsageError, match="a grid needs values"):
        requested_sweep(sort_options([setting]))


def test_a_grid_of_more_runs_than_can_be_told_apart_is_refused_at_once():
    crossed = [f"{key}=range(0,1000)" for key in ("seed", "beta", "gamma", "alpha")]
    with pytest.raises(
        UsageError, match="this grid has 1,000,000,000,000 runs; a grid has at most"
    ):
        requested_sweep(sort_options(crossed))


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("data_dir=a,b", ("a", "b")),
        ("data_dir=a#b", ('"a#b"',)),
        ("data_dir=c,d", ('"c,d"',)),  # a folder that is there
        ("name=a,b", ("a", "b")),
        ("name=a=b", ('"a=b"',)),
        ("out=a,b", ('"a,b"',)),
    ],
)
def test_names_are_crossed_where_they_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, values: tuple[str, ...]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c,d").mkdir()
    key = setting.partition("=")[0]
    expected = tuple(f"{key}={value}" for value in values)
    options = sort_options([setting, "seed=1"])
    if key == "out":
        assert options.folder == [setting]
        return
    given = options.settings if len(values) > 1 or key == "name" else options.places
    assert given[0].partition("=")[0] == key
    runs = list(requested_sweep(options).runs())
    if given is options.settings:
        assert {run[0] for run in runs} == set(expected)


@pytest.mark.parametrize("value", ["[1", "#", "[" * 500, "9" * 5000, "{a: 1, b"])
def test_what_cannot_be_read_is_said_in_plain_words(value: str):
    with pytest.raises(UsageError) as refused:
        requested_sweep(sort_options([f"beta={value}", "seed=1,2"]))
    assert refused.value.message.startswith(("beta", "cannot read 'beta="))
    assert not foreign_words(refused.value, value)
