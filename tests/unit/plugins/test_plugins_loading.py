"""Files of own pieces: what they add, and how each that is wrong is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.plugins import load_file, load_installed, loading

GOOD = """
from runner.plugins import add_metric

def score(codes, *, seed, samples):
    return {"mine": 1.0}

add_metric("mine", score, settings={"samples": 5}, better="low", title="my score")
"""

PRIOR = "from runner.plugins import add_prior\n"
WRONG = {
    "x = (1": "line 1: '(' was never closed: it is no Python",
    "x = 1": "adds no pieces",
    "x = 1\nraise ValueError('no\\nmore')": "line 2: ValueError: no",
    "def f():\n    return 1 / 0\n\nf()": "line 2: ZeroDivisionError: division by zero",
    "import sys\nsys.exit(3)": "line 2: SystemExit: 3",
    "import neighbour_of_mine": "line 1: ModuleNotFoundError: No module named 'neighbour_of_mine'",
    f"{PRIOR}add_prior('a b', print)": "line 2: the name of a prior must be a plain word",
    f"{PRIOR}add_prior('null', print)": "line 2: a prior cannot be named 'null'",
    f"{PRIOR}add_prior('a', 3)": "line 2: prior 'a' needs a function, got 3",
    f"{PRIOR}\nadd_prior('a', lambda s: s)": "line 3: the function of prior 'a' must take",
    f"{PRIOR}add_prior('a', lambda s, i: s, settings=3)": "must be a dataclass, or a dict",
    f"{PRIOR}add_prior('a', lambda s, i: s, settings={{'k': None}})": "cannot be told from None",
    f"{PRIOR}add_prior('a', lambda s, i: s, settings={{'k': {{}}}})": "'k' cannot be told from {}",
    f"{PRIOR}add_prior('a', lambda s, i: s, setting=3)": "line 2: TypeError: add_prior() got",
    f"{PRIOR}f = lambda s, i: s\nadd_prior('a', f)\n\nadd_prior('a', f)": (
        "line 5: prior 'a' was added before, in line 3"
    ),
    "from runner.plugins import add_penalty\nadd_penalty('a', lambda s, i: s, needs=['densty'])": (
        "line 2: needs must be a list of density, prior_draws, labels"
    ),
    "from runner.plugins import add_penalty\nadd_penalty('a', lambda s, i: s, needs='density')": (
        "line 2: needs must be a list"
    ),
    "from runner.plugins import add_metric\nadd_metric('a', lambda codes: codes)": (
        "line 2: the function of metric 'a' must take (codes), and seed"
    ),
    "from runner.plugins import add_metric\nadd_metric('a', print, better='more')": (
        "line 2: better must be 'high', 'low' or None, got 'more'"
    ),
    "from runner.plugins import add_figure\nadd_figure('a', print, of='runs')": (
        "line 2: of must be 'run' or 'comparison', got 'runs'"
    ),
    (
        "from dataclasses import dataclass\nfrom runner.plugins import add_metric\n"
        "@dataclass\nclass S:\n    k: dict[str, int]\n\nadd_metric('a', print, settings=S)"
    ): "line 7: metric 'a': its setting 'k' has a type that no setting can have",
    (
        "from dataclasses import dataclass\nfrom runner.plugins import add_metric\n"
        "@dataclass\nclass S:\n    k: int\n\ndef f(codes, **more): ...\n"
        "add_metric('a', f, settings=S)"
    ): "line 8: metric 'a': its setting 'k' has no default",
}


def written(tmp_path: Path, text: str, name: str = "mine.py") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_file_is_executed_once_and_known_by_its_digest(tmp_path: Path):
    path = written(tmp_path, GOOD)
    before = list(sys.path)
    plugin = load_file(path)
    (piece,) = plugin.pieces
    assert (piece.kind, piece.name, piece.place.line) == ("metric", "mine", 7)
    assert piece.defaults() == {"samples": 5}
    assert piece.options == {"better": "lower", "title": "my score", "factors": 0}
    assert plugin.record() == {"path": str(path), "sha256": plugin.sha256}
    assert load_file(path) is plugin
    assert load_file(path, plugin.sha256) is plugin
    assert sys.path == before
    assert [each.name for each in tmp_path.iterdir()] == ["mine.py"]  # no bytecode beside it


def test_a_file_that_was_changed_or_is_gone_is_not_what_was_recorded(tmp_path: Path):
    path = written(tmp_path, GOOD)
    with pytest.raises(UsageError, match="is not what it was when the run began") as caught:
        load_file(path, "0" * 64)
    assert "plugins=[mine.py]" in str(caught.value.hint)
    with pytest.raises(UsageError, match="has own pieces of the run, and is missing"):
        load_file(tmp_path / "gone.py", "0" * 64)


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_a_wrong_file_is_refused_with_its_own_line(tmp_path: Path, text: str, message: str):
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_file(path)
    assert str(path) in caught.value.message
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_what_is_no_file_is_refused(tmp_path: Path):
    written(tmp_path, GOOD)
    with pytest.raises(UsageError, match="there is no file of own pieces") as caught:
        load_file(tmp_path / "mnie.py")
    assert caught.value.hint == "did you mean 'mine.py'?"
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(UsageError, match="is a folder, not a file"):
        load_file(tmp_path / "folder.py")
    with pytest.raises(UsageError, match=r"its name does not end in \.py"):
        load_file(written(tmp_path, GOOD, "mine.txt"))


def test_what_a_file_prints_stays_off_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    load_file(written(tmp_path, f"print('hello')\n{GOOD}"))
    assert capsys.readouterr() == ("", "hello\n")


def test_elsewhere_pieces_are_checked_and_not_added():
    scope: dict[str, object] = {}
    exec(compile(GOOD, "elsewhere.py", "exec"), scope)
    with pytest.raises(UsageError, match=r"'elsewhere\.py', line 2: a prior cannot be named"):
        exec(compile(f"{PRIOR}add_prior('nan', print)", "elsewhere.py", "exec"), scope)


def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package with an entry point where Python looks for them."""
    (site / "pieces_of_a_package.py").write_text(GOOD)
    about = site / "a_package-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: a_package\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[vaerun.plugins]\nspecial = pieces_of_a_package\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(loading, "_of_packages", {})
    monkeypatch.delitem(sys.modules, "pieces_of_a_package", raising=False)


def test_an_installed_package_offers_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="there is no file and no installed package 'specal'") as e:
        load_installed("specal")
    assert e.value.hint == "did you mean 'special'?"
    assert "pieces_of_a_package" not in sys.modules  # only what is named is imported
    plugin = load_installed("special")
    assert plugin.record() == {"name": "special", "package": "a_package", "version": "1.2"}
    assert [piece.name for piece in plugin.pieces] == ["mine"]
    assert load_installed("special", "1.2") is plugin
    with pytest.raises(UsageError, match=r"was of a_package 1\.1, and this is 1\.2"):
        load_installed("special", "1.1")
