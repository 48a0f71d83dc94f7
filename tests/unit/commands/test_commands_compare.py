"""What ``vaerun compare`` does beside the table: notes on stderr, a view on W&B."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from runner.commands.arguments import read
from runner.commands.compare import run
from runner.commands.manual import COMPARE
from runner.errors import UsageError
from runner.tracking import workspace
from tests.made_run_folders import config, write_grid, write_run
from tests.snapshot import snapshot


def compare(arguments: list[str]) -> None:
    assert run(read(COMPARE, arguments)) == 0


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A stub that records the views that would be saved on W&B."""
    calls: list[tuple[Any, ...]] = []

    def save_workspace(*places: str | None, **view: object) -> str:
        calls.append((*places, view))
        return "https://wandb/view"

    monkeypatch.setattr(workspace, "save_workspace", save_workspace)
    monkeypatch.setattr(workspace, "require", lambda: None)
    return calls


def write_logged(folder: Path, groups: list[str]) -> Path:
    for seed, group in enumerate(groups):
        changes = {"wandb.entity": "team", "wandb.project": "vaes", "wandb.group": group}
        settings = config("beta_vae", seed=seed, beta=float(seed), **changes)
        write_run(folder / str(seed), settings)
    return folder


def test_a_view_is_saved_where_the_runs_are(
    tmp_path: Path, saved: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
):
    folder = write_logged(tmp_path / "grid", ["mnist_grid", "mnist_grid"])
    compare([str(folder), "--no-figures", "--wandb", "--trust"])
    (call,) = saved
    assert call[:3] == ("team", "vaes", "mnist_grid")
    assert list(call[3]["metrics"]) == ["elbo", "rate"]
    assert list(call[3]["by"]) == ["objective.name", "beta"]
    assert "https://wandb/view" in capsys.readouterr().err


def test_runs_in_several_places_have_no_view(tmp_path: Path, saved: list[tuple[Any, ...]]):
    folder = write_logged(tmp_path / "grid", ["one", "two"])
    with pytest.raises(UsageError, match=r"differ in wandb\.group: one and two"):
        compare([str(folder), "--no-figures", "--wandb"])
    assert not saved


def test_a_strangers_runs_do_not_say_where_a_view_goes(
    tmp_path: Path, saved: list[tuple[Any, ...]]
):
    folder = write_logged(tmp_path / "grid", ["mnist_grid", "mnist_grid"])
    before = snapshot(folder)
    with pytest.raises(UsageError, match="the view would go to team/vaes on W&B") as refused:
        compare([str(folder), "--no-figures", "--wandb"])
    assert "--trust" in str(refused.value.hint)
    assert snapshot(folder) == before
    assert not saved


@pytest.mark.parametrize("option", ["--out", "--html"])
@pytest.mark.parametrize("place", ["a file/x", "read-only/x", "read-only/x/y", "a folder"])
def test_where_nothing_can_be_written_nothing_is(
    tmp_path: Path, option: str, place: str, monkeypatch: pytest.MonkeyPatch
):
    folder = write_grid(tmp_path / "grid", seeds=1)
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    (tmp_path / "read-only").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: "read-only" not in str(path))
    if (option, place) == ("--out", "a folder"):
        place = "a file"
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match="cannot write to"):
        compare([str(folder), "--no-figures", option, str(tmp_path / place)])
    assert snapshot(tmp_path) == before


def test_a_view_that_cannot_be_saved_is_refused_before_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse() -> None:
        raise UsageError("there is no W&B API key")

    monkeypatch.setattr(workspace, "require", refuse)
    folder = write_logged(tmp_path / "grid", ["mnist_grid"])
    before = snapshot(folder)
    with pytest.raises(UsageError, match="no W&B API key"):
        compare([str(folder), "--no-figures", "--wandb", "--trust"])
    assert snapshot(folder) == before


def test_without_wandb_nothing_is_sent(tmp_path: Path, saved: list[tuple[Any, ...]]):
    compare([str(write_grid(tmp_path / "grid", seeds=1)), "--no-figures"])
    assert not saved


def test_notes_name_excluded_and_duplicate_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_grid(tmp_path / "grid", seeds=2)
    for number in range(20, 26):
        write_run(folder / str(number), config(seed=number), state="running")
    write_run(folder / "30", config("beta_vae", beta=4.0, gamma=9.0))
    compare([str(folder), "--no-figures", "--by", "objective"])
    _, notes = capsys.readouterr()
    assert "excluded: 6 runs that are running" in notes
    assert f"excluded: {folder}/2: a later run has the same settings and seed" in notes
    assert "runs of one configuration differ in beta, gamma too" in notes


def test_runs_without_unresolved_settings_are_counted_with_their_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write_grid(tmp_path / "grid", seeds=1)
    status = json.dumps({"state": "finished", "versions": {"vaerun": "0.0.9"}})
    for number in (0, 1):
        (folder / str(number) / "config_unresolved.yaml").unlink()
        (folder / str(number) / "status.json").write_text(status)
    compare([str(folder), "--no-figures"])
    _, notes = capsys.readouterr()
    (line,) = (line for line in notes.splitlines() if "config_unresolved.yaml" in line)
    assert line.startswith("2 of the runs were written by vaerun 0.0.9 without")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ([], "compare takes folders of runs", "vaerun compare DIR ... [OPTION ...]"),
        (["grid", "beta=1"], "compare takes folders, not settings such as 'beta=1'", None),
        (["grid", "--htlm", "x"], "compare has no option '--htlm'", "did you mean '--html'?"),
        (["grid", "--by"], "--by needs a value, KEY,KEY", "vaerun compare --help"),
        (["grid", "--out=a", "--out=b"], "--out is given twice", "vaerun compare --help"),
    ],
)
def test_a_mistake_is_reported_in_one_line(arguments: list[str], message: str, hint: str | None):
    with pytest.raises(UsageError) as refused:
        compare(arguments)
    assert refused.value.message == message
    assert hint is None or refused.value.hint == hint


def test_the_legend_counts_the_intervals(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compare([str(write_grid(tmp_path / "grid")), "--no-figures"])
    legend = capsys.readouterr().out.splitlines()[-1]
    assert "* 3 of 3 intervals exclude 0, as 0.15 would by chance" in legend


def test_options_may_follow_an_equals_sign_or_come_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write_grid(tmp_path / "grid", seeds=1)
    compare([str(folder), "--no-figures", "--by=beta", "--by", "gamma", "--metric=rate"])
    assert capsys.readouterr().out.split()[:4] == ["beta", "gamma", "seeds", "rate"]


def test_scores_with_different_settings_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = write_grid(tmp_path / "grid", seeds=1)
    for number in range(4):
        entries = {
            name: {"settings": {"bins": bins}, "seed": 0, "scores": {name: 0.5}}
            for name, bins in (("mig", 20 + number), ("sap", 20))
        }
        scores = {"of": {"step": 1000}, "scores": {f"mean/{k}": v for k, v in entries.items()}}
        (folder / str(number) / "scores.json").write_text(json.dumps(scores))
    compare([str(folder), "--no-figures"])
    assert "MIG: computed with different settings in some runs" in capsys.readouterr().err


def test_figures_of_an_earlier_comparison_are_removed(tmp_path: Path):
    folder = write_grid(tmp_path / "grid", seeds=1) / "comparison"
    compare([str(folder.parent)])
    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    assert drawn == set(json.loads((folder / "comparison.json").read_text())["figures"])
    assert drawn
    (folder / "figures" / "mine.png").write_bytes(b"a picture of somebody else's")
    compare([str(folder.parent), "--no-figures"])
    assert [path.name for path in (folder / "figures").iterdir()] == ["mine.png"]


@pytest.mark.parametrize(
    ("option", "place", "message"),
    [
        ("--html", "file/x.html", "'{root}/file' is not a folder"),
        ("--html", "folder", "'{root}/folder': it is a folder"),
        ("--out", "file", "'{root}/file' is not a folder"),
        ("--out", "file/x/y", "'{root}/file' is not a folder"),
        ("--html", "/proc/nosuch/x.html", "'/proc/nosuch' cannot be made"),
    ],
)
def test_a_place_that_cannot_be_made_is_refused_before_anything_is(
    tmp_path: Path, option: str, place: str, message: str
):
    grid = write_grid(tmp_path / "grid")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError) as refused:
        compare([str(grid), "--no-figures", option, str(tmp_path / place)])
    assert message.format(root=tmp_path) in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == before
