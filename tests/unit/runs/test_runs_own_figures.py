"""Own figures of a run: written like ours; one that fails does not lose the run."""

from __future__ import annotations

import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from runner.config import use_plugins
from runner.errors import UsageError
from runner.runs.load import RunLoader
from runner.runs.own_figures import own_figures
from runner.runs.saved import SavedRun
from runner.store.signature import sign
from tests.snapshot import snapshot

FILE = """
from pathlib import Path
from matplotlib.figure import Figure
from runner.plugins import add_figure

Path({mark!r}).touch()

add_figure("good", lambda run: Figure())
add_figure("bad", lambda run: run.nothing)
add_figure("nothing", lambda run: None)
add_figure("wrong", lambda run: 3)
add_figure("other", lambda comparison: 1 / 0, of="comparison")
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE.format(mark=str(tmp_path / "was_executed")))
    return path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_figures_that_fail_are_named_and_the_others_are_drawn(run: Path, mine: Path):
    text = StringIO()
    loaded, _ = RunLoader(Console(file=text, width=1000)).open(run)
    use_plugins([str(mine)])
    paths = own_figures(loaded, loaded.folder.write_figure)
    assert list(paths) == ["good"]
    assert paths["good"].is_file()
    lines = text.getvalue().splitlines()
    assert len(lines) == 2
    assert f"not drawn: figure 'bad': '{mine}', line 9: AttributeError" in lines[0]
    assert "figure 'wrong'" in lines[1]
    assert "it must return a figure of Matplotlib or None, not int" in lines[1]


def with_plugin(run: Path, mine: Path) -> str:
    """Let a run name a file of pieces, as it was when the run began."""
    (record,) = use_plugins([str(mine)])
    use_plugins([])
    (mine.parent / "was_executed").unlink()
    text = (run / "config.yaml").read_text().replace("plugins: []", f"plugins: [{record}]")
    assert str(mine) in text
    (run / "config.yaml").write_text(text)
    return text


def test_the_code_of_a_stranger_is_never_executed(run: Path, mine: Path):
    with_plugin(run, mine)
    mine.write_text(f"# as nobody has read it yet\n{mine.read_text()}")
    before = snapshot(run)
    with pytest.raises(UsageError, match="not known as yours, and it would run the code of") as e:
        SavedRun.read(run, [], trusted=False)
    assert f"'{mine}'" in e.value.message
    assert "--trust" in str(e.value.hint)
    assert not (mine.parent / "was_executed").exists()
    assert snapshot(run) == before


def test_ones_own_run_has_its_pieces_again(run: Path, mine: Path):
    text = with_plugin(run, mine)
    sign(run / "config.yaml", text.encode())
    saved = SavedRun.read(run, [], trusted=False)
    assert saved.config.plugins[0]["path"] == str(mine)
    mine.write_text(f"{mine.read_text()}# changed\n")
    again = SavedRun.read(run, [f"plugins=[{mine}]"], trusted=False)
    assert again.config.plugins[0]["sha256"] != saved.config.plugins[0]["sha256"]


def test_ones_own_copy_is_named_for_a_strangers_run(run: Path, mine: Path, tmp_path: Path):
    with_plugin(run, mine)
    (tmp_path / "copy").mkdir()
    copied = Path(shutil.copy(mine, tmp_path / "copy" / "mine.py"))
    mine.unlink()
    saved = SavedRun.read(run, [f"plugins=[{copied}]"], trusted=False)
    assert [record["path"] for record in saved.config.plugins] == [str(copied)]
