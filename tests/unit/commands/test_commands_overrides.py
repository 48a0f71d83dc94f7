"""From the arguments of a command to the overrides that are composed."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.commands.arguments import read
from runner.commands.manual import TRAIN
from runner.commands.overrides import print_notes, searched, steps_or_epochs, without_null_choices
from runner.errors import UsageError


def test_folders_of_own_yaml_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a b", "c"):
        (tmp_path / name).mkdir()
    given = read(TRAIN, ["--config-dir", "a b", "-cd=c"])
    assert searched(given) == [
        f'hydra.searchpath=["file://{tmp_path}/a b","file://{tmp_path}/c"]',
    ]
    assert searched(read(TRAIN, [])) == []
    with pytest.raises(UsageError, match="--config-dir: there is no folder"):
        searched(read(TRAIN, ["--config-dir", "d"]))


def test_notes_are_printed_once_each(capsys: pytest.CaptureFixture[str]):
    print_notes(("one", "two", "one"))
    assert capsys.readouterr().err == "note: one\nnote: two\n"


def test_null_choices_are_dropped():
    assert without_null_choices(["debug=null", "beta=1", "sweep=null"]) == ["beta=1"]


def test_steps_override_the_epochs_of_an_experiment():
    assert steps_or_epochs(["beta=1"]) == ["beta=1"]
    assert steps_or_epochs(["steps=5"]) == ["steps=5", "epochs=null"]
    with pytest.raises(UsageError, match="give steps or epochs, not both"):
        steps_or_epochs(["steps=5", "+epochs=1"])
