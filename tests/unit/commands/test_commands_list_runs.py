"""``vaerun list runs``: what is on stdout for people and programs, and what stderr adds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.commands.arguments import read
from runner.commands.list_runs import age, run
from runner.commands.manual_of_runs import LIST_RUNS
from runner.errors import UsageError
from tests.made_run_folders import config, write_run
from tests.snapshot import snapshot


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with three runs, one of them corrupt."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "outputs" / "2026-01-31" / "a", config("vae"), -90.0)
    write_run(tmp_path / "outputs" / "sweep-x" / "9", config("hfvae", beta=4.0), -80.0)
    bad = write_run(tmp_path / "outputs" / "sweep-x" / "10", config("hfvae"))
    (bad / "summary.json").write_text("[")
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[str], str]:
    """The first words of the lines on stdout, and stderr."""
    assert run(read(LIST_RUNS, arguments)) == 0
    out, err = capsys.readouterr()
    return [line.split()[0] for line in out.splitlines()[2:]], err


RUNS = ["outputs/2026-01-31/a", "outputs/sweep-x/9", "outputs/sweep-x/10"]


def test_outputs_are_listed_in_natural_order_and_nothing_is_changed(capsys, here: Path):
    before = snapshot(here)
    found, err = listed(capsys)
    assert found == RUNS
    assert err.startswith("note: cannot be read: 'outputs/sweep-x/10/summary.json' is corrupt")
    assert len(err.splitlines()) == 1
    assert snapshot(here) == before


def test_folders_are_listed_each_run_once(capsys):
    assert listed(capsys, "outputs/sweep-x", "outputs")[0] == [*RUNS[1:], RUNS[0]]


def test_sorted_and_filtered(capsys):
    assert listed(capsys, "--sort", "-elbo")[0] == [RUNS[1], RUNS[0], RUNS[2]]
    words = ["--filter", "state=finished", "beta<9", "elbo>-85", "objective=hfvae"]
    found, err = listed(capsys, *words)
    assert found == RUNS[1:2]
    assert "1 of 3 runs pass the filter" in err
    assert listed(capsys, "--filter", "elbo>0")[0] == []


def test_json_and_csv_are_alone_on_stdout(capsys):
    run(read(LIST_RUNS, ["--json"]))
    found = json.loads(capsys.readouterr().out)
    assert [each["run"] for each in found] == RUNS
    run(read(LIST_RUNS, ["--csv", "--filter", "elbo<0"]))
    assert len(capsys.readouterr().out.splitlines()) == 3
    run(read(LIST_RUNS, ["--json", "--filter", "elbo>0"]))
    assert json.loads(capsys.readouterr().out) == []


def test_a_folder_called_runs_is_a_folder(capsys, here: Path):
    write_run(here / "runs" / "b", config("vae"))
    assert listed(capsys, "runs")[0] == ["runs/b"]
    assert listed(capsys)[0] == RUNS


def test_an_empty_folder_is_no_error(capsys, here: Path):
    (here / "empty").mkdir()
    found, err = listed(capsys, "empty")
    assert (found, err) == ([], "note: no runs in 'empty'\n")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["output"], "there is no folder 'output'", "did you mean 'outputs'?"),
        (["beta>4"], "list runs has no setting 'beta>4'", "use --filter 'beta>4'"),
        (["state=failed"], "list runs has no setting 'state=failed'", "use --filter"),
        (["--json", "--csv"], "two forms", "usage"),
        (["--sort", "elb"], "no run has a column", "did you mean 'elbo'?"),
        (["--filter", "state=x", "stat=y"], "no run has a column", "did you mean 'state'?"),
    ],
)
def test_what_cannot_be_listed_is_refused(arguments: list[str], message: str, hint: str):
    with pytest.raises(UsageError) as no:
        run(read(LIST_RUNS, arguments))
    assert message in no.value.message
    assert hint in (no.value.hint or "") or hint == "usage"


def test_without_outputs_another_folder_is_asked_for(here: Path):
    (here / "outputs").rename(here / "kept")
    with pytest.raises(UsageError, match="there is no folder 'outputs'") as no:
        run(read(LIST_RUNS, []))
    assert no.value.hint == "vaerun list runs DIR names another folder"


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "3 s"), (200, "3 min"), (7300, "2 h"), (300_000, "3 d")]
)
def test_ages_are_short(seconds: float, text: str):
    assert age(seconds) == text
