"""From the arguments of a command to the overrides that are composed."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.commands.arguments import read
from runner.commands.manual import TRAIN
from runner.commands.overrides import (
    check_grid_name,
    print_notes,
    refuse_code,
    searched,
    steps_or_epochs,
    without_null_choices,
)
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


@pytest.mark.parametrize(
    "name", ["../../x", "/x", "", ".", "..", "a/b", "a\nb", "\x1b[31m", "a b", "x" * 300, ".hidden"]
)
def test_a_grid_s_name_that_is_no_folder_in_out_is_refused(name: str):
    with pytest.raises(UsageError, match="a name has letters, digits") as refused:
        check_grid_name(["seed=0,1", f"sweep_name={name}"])
    assert refused.value.message.isprintable()


def test_a_grid_s_name_is_a_word():
    check_grid_name(["sweep_name=mnist_grid-2.1", "+sweep_name=null", "name=../x"])


@pytest.mark.parametrize(
    "override",
    [
        "hydra.callbacks.a._target_=os.system",
        "+hydra.callbacks.a={_target_: os.system}",
        "++hydra.callbacks={}",
        "hydra={}",
        "hydra/job_logging=default",
        "hydra/launcher=basic",
        "+hydra/callbacks=x",
        "hydra.job_logging={}",
        "hydra.verbose=5",
        "hydra.searchpath=[pkg://antigravity]",
        "+prior@hydra.callbacks=normal",
        "+_target_=os.system",
        "dataset.hold_out={_target_: os.system}",
        "~hydra.run",
    ],
)
def test_what_has_hydra_execute_or_import_something_is_refused(override: str):
    with pytest.raises(UsageError) as refused:
        refuse_code(["beta=4", override])
    assert len(refused.value.message.splitlines()) == 1


def test_what_names_no_code_is_taken():
    refuse_code(
        ["hydra.run.dir=x", "hydra.sweep.dir=y", "hydra.searchpath=['file:///x']", "beta=4"]
    )


def test_no_epochs_may_stand_beside_steps():
    assert steps_or_epochs(["steps=5", "epochs=null"]) == ["steps=5", "epochs=null", "epochs=null"]
