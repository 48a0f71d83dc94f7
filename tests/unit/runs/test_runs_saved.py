"""A stranger's folder: plain data, which says nothing about where results go."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from runner.comparison.runs import read_runs
from runner.config.composition import compose_run
from runner.errors import DataError, UsageError
from runner.runs.load import RunLoader
from runner.runs.saved import SavedRun
from runner.runs.train import resume
from runner.store.signature import is_own, sign
from tests.snapshot import snapshot

SECRET = "a-secret-of-the-reader"
THERE = {
    "data_dir": "/stranger/data",
    "out": "/stranger/out",
    "wandb": {
        "mode": "online",
        "project": "theirs",
        "entity": "stranger",
        "group": "their group",
        "tags": ["theirs"],
    },
}
Made = Callable[..., Path]


@pytest.fixture
def made(finished: Path, tmp_path: Path) -> Made:
    """``made(name="x")``: a finished run whose settings were changed, signed or not."""

    def make(*, own: bool = False, **changes: object) -> Path:
        run = tmp_path / "run"
        shutil.copytree(finished, run)
        settings = yaml.safe_load((run / "config.yaml").read_text())
        for key, value in changes.items():
            *parents, last = key.split("__")
            node = settings
            for parent in parents:
                node = node[parent]
            node[last] = value
        text = yaml.safe_dump(settings)
        (run / "config.yaml").write_text(text)
        if own:
            sign(run / "config.yaml", text.encode())
        return run

    return make


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.delenv("WANDB_MODE", raising=False)


def places(run: Path, *overrides: str, trusted: bool = False) -> tuple[object, ...]:
    saved = SavedRun.read(run, overrides, trusted=trusted)
    wandb = saved.config.wandb
    return wandb.mode, wandb.project, wandb.entity, saved.config.data_dir, saved.config.out


THEIRS = ("online", "theirs", "stranger", "/stranger/data", "/stranger/out")


def test_a_strangers_run_is_logged_nowhere_and_finds_its_data_where_the_reader_has_them(
    made: Made,
):
    own = compose_run([])
    run = made(**THERE)
    assert places(run) == ("disabled", own.wandb.project, own.wandb.entity, own.data_dir, own.out)
    note = SavedRun.read(run, [], trusted=False).note
    assert note is not None
    assert len(note.splitlines()) == 1
    for word in ("stranger", "theirs", "/stranger/data", "--trust"):
        assert word in note


def test_what_the_reader_says_is_followed_word_by_word(made: Made):
    own = compose_run([])
    run = made(**THERE)
    assert places(run, "data_dir=/mine")[3] == "/mine"
    assert places(run, "wandb.mode=online")[:3] == ("online", own.wandb.project, own.wandb.entity)
    assert places(run, "wandb.project=x")[:2] == ("disabled", "x")


def test_a_run_of_ones_own_and_a_trusted_one_go_on_where_they_were(made: Made):
    own = made(own=True, **THERE)
    assert places(own) == THEIRS
    (own / ".config.yaml.signature").unlink()
    assert places(own, trusted=True) == THEIRS
    assert SavedRun.read(own, [], trusted=True).note is None


@pytest.mark.parametrize("key", ["path", "factors"])
def test_images_are_not_read_from_where_a_strangers_settings_say(made: Made, key: str):
    folder = {
        "name": "folder", "hold_out": {}, "correlated": None, "path": "/home/reader/photos",
        "size": 8, "fit": "crop", "channels": 1, "class_factor": None, "bins": None,
        "test_share": 0.2, "test_seed": 0, "factors": "/home/reader/list.csv",
        "test_folder": None, "broken": "skip",
    }  # fmt: skip
    run = made(dataset=folder)
    others = {"path": "photos", "factors": "none"}
    others.pop(key)
    given = [f"dataset.{name}={value}" for name, value in others.items()]
    with pytest.raises(UsageError, match=f"it would read dataset.{key}=/home/reader") as refused:
        SavedRun.read(run, given, trusted=False)
    assert "--trust" in str(refused.value.hint)
    assert SavedRun.read(run, [], trusted=True).config.dataset.name == "folder"
    mine = ["dataset.path=photos", "dataset.factors=none"]
    assert vars(SavedRun.read(run, mine, trusted=False).config.dataset)["path"] == "photos"


def test_a_strangers_run_does_not_go_on_in_a_run_on_wandb(made: Made):
    run = made()
    state = run / "checkpoint" / "state.json"
    state.write_text(state.read_text().replace('"wandb_id": null', '"wandb_id": "abc"'))
    assert SavedRun.read(run, [], trusted=False).wandb_id is None
    assert SavedRun.read(run, [], trusted=True).wandb_id == "abc"


def test_a_copy_on_the_same_machine_is_own_and_an_edited_one_is_not(finished: Path, tmp_path: Path):
    shutil.copytree(finished, tmp_path / "copy")
    assert is_own(tmp_path / "copy" / "config.yaml")
    with (tmp_path / "copy" / "config.yaml").open("a") as file:
        file.write("\n")
    assert not is_own(tmp_path / "copy" / "config.yaml")


def test_a_strangers_run_that_was_gone_on_with_is_ones_own(
    made: Made, capsys: pytest.CaptureFixture[str]
):
    run = made(**THERE)
    resume(run, ["steps=9"])
    assert "is not known as yours: W&B is off" in capsys.readouterr().err
    assert is_own(run / "config.yaml")
    settings = yaml.safe_load((run / "config.yaml").read_text())
    assert settings["wandb"]["mode"] == "disabled"
    assert settings["wandb"]["entity"] is None
    assert settings["data_dir"] == "data"


REFERENCE = "${oc.env:SECRET}"


def names_read(run: Path) -> dict[str, Any]:
    """The name of a run, as everything that reads its settings has it."""
    loaded, _ = RunLoader(Console(quiet=True)).open(run)
    (compared,) = read_runs([run])
    return {
        "resume": SavedRun.read(run, ["steps=9"], trusted=False).config.name,
        "trusted": SavedRun.read(run, ["steps=9"], trusted=True).config.name,
        "evaluate, traverse": loaded.config.name,
        "compare, page": compared.settings["name"],
    }


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "text", [REFERENCE, f"a {REFERENCE} b", f"\\{REFERENCE}", "${seed}", "${now:%Y}", "$${x}"]
)
def test_a_reference_in_settings_is_text(made: Made, text: str, *, own: bool):
    run = made(own=own, name=text)
    assert set(names_read(run).values()) == {text}


def test_a_run_that_goes_on_keeps_its_name_as_it_is(made: Made, capsys):
    run = made(name=REFERENCE)
    resume(run, ["steps=9"])
    assert yaml.safe_load((run / "config.yaml").read_text())["name"] == REFERENCE
    printed = capsys.readouterr()
    assert REFERENCE in printed.err
    files = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert SECRET.encode() not in files
    assert SECRET not in printed.err + printed.out


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": REFERENCE},
        {"batch_size": "${steps}"},
        {"beta": REFERENCE},
        {"wandb": REFERENCE},
        {"prior": "${architecture}"},
        {"prior__name": REFERENCE},
        {"objective__weights": REFERENCE},
        {"objective__penalties__mmd": "${objective.penalties.moments}"},
        {"architecture__widths": REFERENCE},
        {"architecture__widths": ["${steps}"]},
        {"evaluation__encodings": "${steps}"},
        {"device": REFERENCE},
        {"name": "${oc.env:SECRET"},
        {"name": "${"},
    ],
)
def test_a_reference_in_place_of_another_value_is_refused_in_one_line(
    made: Made, changes: dict[str, object]
):
    run = made(**changes)
    before = snapshot(run)
    for read in (
        lambda: resume(run, ["steps=9"]),
        lambda: RunLoader(Console(quiet=True)).open(run),
    ):
        with pytest.raises((UsageError, DataError)) as refused:
            read()
        message = f"{refused.value.message}{refused.value.hint}"
        assert SECRET not in message
        assert "interpolation" not in message
        assert len(refused.value.message.splitlines()) == 1
    assert snapshot(run) == before


def test_evaluation_opens_a_strangers_run_with_wandb_off_and_says_so(made: Made):
    console = Console(record=True, file=StringIO(), width=1000)
    loader, path = RunLoader(console), made(**THERE)
    for _ in range(2):
        run, wandb_id = loader.open(path)
        assert (run.config.wandb.mode, wandb_id) == ("disabled", None)
    (line,) = console.export_text().splitlines()
    assert line.startswith(f"note: '{path}' is not known as yours: W&B is off, in place of")
