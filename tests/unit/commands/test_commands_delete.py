"""``vaerun delete``: it asks, checks everything first, and says what goes and what stays."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from runner.commands import delete
from runner.commands.arguments import read
from runner.commands.manual_of_runs import DELETE
from runner.errors import UsageError
from runner.grid.folder import GridFolder
from tests.made_run_folders import config, write_run
from tests.snapshot import snapshot


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs, a grid of two, and a folder of somebody's."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_run(tmp_path / "outputs" / name, config())
    GridFolder.register(tmp_path / "sweep", "some", [("beta=1",), ("beta=4",)])
    write_run(tmp_path / "sweep" / "0", config())
    write_run(tmp_path / "sweep" / "1", config())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    return tmp_path


def run(*arguments: str) -> int:
    return delete.run(read(DELETE, arguments))


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(text))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)


def test_without_a_terminal_it_needs_to_be_told(here: Path):
    before = snapshot(here)
    with pytest.raises(UsageError, match="asks on a terminal") as no:
        run("outputs/a")
    assert no.value.hint == "--yes deletes without asking"
    assert snapshot(here) == before


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "yess\n", "outputs\n"])
def test_any_other_answer_is_no(here: Path, monkeypatch, capsys, answer: str):
    answering(monkeypatch, answer)
    before = snapshot(here)
    assert run("outputs/a") == 0
    assert "nothing is deleted" in capsys.readouterr().err
    assert snapshot(here) == before


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_it_asks(here: Path, monkeypatch, capsys, answer: str):
    answering(monkeypatch, answer)
    assert run("outputs/a", "sweep") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["outputs/a", "sweep/0", "sweep/1", "sweep"]
    assert "delete 3 runs, 1 grid, " in err
    assert not (here / "outputs" / "a").exists()
    assert not (here / "sweep").exists()
    assert (here / "outputs" / "b").exists()


def test_a_dry_run_changes_nothing(here: Path, capsys):
    before = snapshot(here)
    assert run("outputs/a", "sweep", "--dry-run", "--yes") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "run  outputs/a  " in err
    assert "grid  sweep  2 runs, " in err
    assert snapshot(here) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine", "is not known to be a run"),
        ("outputs", "is no run, but a folder that holds 2 runs"),
        (".", "the current folder"),
        ("..", "the current folder"),
        ("/", "the current folder"),
        ("nowhere", "there is no folder 'nowhere'"),
        ("mine/thesis.tex", "there is no folder"),
        ("link", "is a link, and links are not followed"),
        ("grid-link", "is a link, and links are not followed"),
        ("beta=4", "delete takes folders, not settings"),
    ],
)
def test_one_folder_that_may_not_go_keeps_all_others(here: Path, name: str, message: str):
    (here / "link").symlink_to(here / "outputs" / "b")
    (here / "grid-link").symlink_to(here / "sweep")
    before = snapshot(here)
    with pytest.raises(UsageError, match=message):
        run("outputs/a", name, "--yes")
    assert snapshot(here) == before


def test_what_stays_is_said(here: Path, capsys):
    (here / "outputs" / "a" / "notes.txt").write_text("mine")
    assert run("outputs/a", "--yes") == 0
    out, err = capsys.readouterr()
    assert out == ""  # the folder is still there
    assert "'outputs/a/notes.txt' is not of a run, and stays" in err
    assert [path.name for path in (here / "outputs" / "a").iterdir()] == ["notes.txt"]


def test_a_run_of_a_grid_can_go_alone(here: Path, capsys):
    assert run("sweep/1", "--yes") == 0
    assert "resume of the grid 'sweep' would train run 1 anew" in capsys.readouterr().err
    assert GridFolder.open(here / "sweep").state(1).state == "waiting"


def test_a_grid_and_its_run_go_once(here: Path, capsys):
    assert run("sweep", "sweep/1", "sweep/", "--yes") == 0
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == ["sweep", "sweep/0", "sweep/1"]
    assert "anew" not in err


def test_a_stranger_s_run_is_called_so(capsys):
    run("outputs/a", "--dry-run")
    assert "not known as yours" in capsys.readouterr().err


def test_nothing_named_is_refused():
    with pytest.raises(UsageError, match="takes folders of runs"):
        run("--yes")
