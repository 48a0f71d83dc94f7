"""``vaerun show`` and ``vaerun diff``: runs and grids, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.commands import diff, show
from runner.commands.arguments import read
from runner.commands.manual_of_runs import DIFF, SHOW
from runner.errors import DataError, UsageError
from runner.grid.folder import GridFolder
from tests.made_run_folders import config, write_run
from tests.snapshot import snapshot


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here: Path) -> Path:
    """A finished run with records, a figure and a score."""
    write_run(here / "run", config("hfvae", beta=4.0), -90.0, terms={"reconstruction": 80.0})
    status = {
        "state": "finished", "step": 1000, "steps": 1000, "seconds": 95.0, "host": "there",
        "versions": {"vaerun": "0.1.0"}, "git_revision": "0123456789abcdef+", "device": "cpu",
    }  # fmt: skip
    (here / "run" / "status.json").write_text(json.dumps(status))
    records = [{"step": 1, "loss": 200.0}, {"step": 1000, "loss": 90.0}]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (here / "run" / "metrics.jsonl").write_text(text)
    (here / "run" / "figures").mkdir()
    (here / "run" / "figures" / "latents.png").write_bytes(bytes(3000))
    scores = '{"of": {"step": 1000}, "scores": {"mean/mig": {"scores": {"mig": 0.25}}}}'
    (here / "run" / "scores.json").write_text(scores)
    return Path("run")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert show.run(read(SHOW, arguments)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    return json.loads(shown(capsys, *arguments, "--json"))


def test_a_run_is_shown_and_not_changed(capsys, run: Path, here: Path):
    before = snapshot(here)
    text = shown(capsys, "run")
    for words in (
        "finished, step 1,000 of 1,000", "took 1 min 35 s, on there, cpu", "git 0123456789+",
        "no: its settings were written, or edited, by somebody else", "objective=hfvae", "beta=4",
        "MIG", "0.250", "-90.000", "latents.png", "3.0 kB  figures/",
    ):  # fmt: skip
        assert words in text
    assert snapshot(here) == before


def test_a_run_as_json(capsys, run: Path):
    found = as_json(capsys, "run")
    assert (found["kind"], found["state"], found["own"]) == ("run", "finished", False)
    assert found["changed"]["beta"] == 4.0
    assert found["choices"]["objective"] == "hfvae"
    assert found["metrics"]["scores/mean/mig"] == 0.25
    assert found["records"]["last"] == {"step": 1000, "loss": 90.0}
    assert found["figures"] == ["latents.png"]
    assert found["bytes"]["figures"] == 3000


def test_a_run_that_failed_says_why(capsys, here: Path):
    write_run(here / "run", config(), state="failed")
    assert "error  it is failed" in shown(capsys, "run")


def test_a_grid_is_shown_with_its_states(capsys, here: Path):
    GridFolder.register(here / "sweep", "some", [("beta=1",), ("beta=4",), ("beta=9",)])
    write_run(here / "sweep" / "0", config(beta=1.0))
    write_run(here / "sweep" / "1", config(beta=4.0), state="interrupted")
    text = shown(capsys, "sweep")
    for words in ("3: 1 finished, 1 interrupted, 1 waiting", "trains 2 runs: 1, 2", "beta=4"):
        assert words in text
    found = as_json(capsys, "sweep")
    assert found["states"] == {"finished": 1, "interrupted": 1, "waiting": 1}
    assert [each["differing"] for each in found["runs"]] == [{"beta": 1.0}, {"beta": 4.0}]
    assert (found["own"], found["name"]) == (True, "some")


def test_what_is_no_run_is_refused(run: Path, here: Path):
    (here / "empty").mkdir()
    (here / "many").mkdir()
    for name in "ab":
        write_run(here / "many" / name, config())
    for arguments, message, hint in (
        (["many"], "'many' is no run, but holds 2 runs", "vaerun list runs many"),
        (["empty"], "'empty' is not a run folder", "a run folder is"),
        (["nowhere"], "'nowhere' is not a run folder", "no such folder"),
        (["run", "run"], "show takes the folder of one run", "vaerun list runs DIR"),
        ([], "show takes the folder of one run", "vaerun show"),
    ):
        with pytest.raises(UsageError, match=message) as no:
            show.run(read(SHOW, arguments))
        assert hint in (no.value.hint or "")


@pytest.mark.parametrize("name", ["status.json", "summary.json", "metrics.jsonl", "scores.json"])
def test_a_corrupt_run_is_named(run: Path, name: str):
    (run / name).write_text("[1]\n")
    with pytest.raises(DataError, match=f"run/{name}' is corrupt"):
        show.run(read(SHOW, ["run"]))


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert diff.run(read(DIFF, arguments)) == 0
    return capsys.readouterr().out


def test_two_runs_side_by_side(capsys, run: Path, here: Path):
    write_run(here / "other", config("hfvae", beta=9.0, seed=1), -95.0)
    text = compared(capsys, "run", "other")
    rows = [line.split() for line in text.splitlines()]
    assert ["beta", "4", "9"] in rows
    assert ["seed", "0", "1"] in rows
    assert ["ELBO", "-90.000", "-95.000", "-5.000"] in rows
    assert ["MIG", "0.250", "-", "-"] in rows
    assert "group_total_correlation" not in text
    assert "from others or change nothing" in text
    assert "objective.weights.group_total_correlation" in compared(capsys, "run", "other", "--all")
    found = json.loads(compared(capsys, "run", "other", "--json"))
    assert found["settings"]["beta"] == {"values": [4.0, 9.0], "follows": False}
    assert found["figures"]["elbo"] == {"values": [-90.0, -95.0], "differences": [-5.0]}


def test_the_same_settings_say_so(capsys, run: Path, here: Path):
    write_run(here / "again", config("hfvae", beta=4.0), -90.5)
    assert "the same settings" in compared(capsys, "run", "again")
    assert json.loads(compared(capsys, "run", "again", "--json"))["same_settings"]


def test_fewer_than_two_runs_and_grids_are_refused(run: Path, here: Path):
    GridFolder.register(here / "sweep", "some", [("beta=1",)])
    for arguments, message in (
        (["run"], "diff takes two runs or more"),
        (["run", "sweep"], "'sweep' is a grid, not one run"),
        (["run", "nowhere"], "'nowhere' is not a run folder"),
        (["run", "run", "beta=1"], "not settings such as 'beta=1'"),
    ):
        with pytest.raises(UsageError, match=message):
            diff.run(read(DIFF, arguments))
    (run / "config.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"config\.yaml"):
        diff.run(read(DIFF, ["run", "run"]))
