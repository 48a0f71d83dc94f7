"""``vaerun list``: what a YAML file's comments say, and what is printed of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from runner.commands.list import Choice, choices, read_choice, show
from runner.config import GRID_GROUPS, GROUPS, data_root
from runner.errors import UsageError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a wide terminal, so that no line wraps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "some_choice.yaml"
    path.write_text(dedent(text))
    return path


def test_a_choice_is_its_first_comment_and_its_commented_keys(tmp_path: Path):
    path = written(
        tmp_path,
        """\
        # @package _global_
        # What it is (Somebody 1999).
        # A second comment, for readers of the file.
        defaults:
          - override /prior: normal
        name: some_choice
        beta: 4.0                  # a weight
        training:                  # how it runs
          record_every: 1          # steps between records
          inner:
            depth: 2               # two below
          after: 3                 # back beside record_every
        last: [1, 2]               # at the top again
        """,
    )
    assert read_choice(path) == Choice(
        name="some_choice",
        help="What it is (Somebody 1999).",
        keys=(
            ("beta=4.0", "a weight"),
            ("training", "how it runs"),
            ("training.record_every=1", "steps between records"),
            ("training.inner.depth=2", "two below"),
            ("training.after=3", "back beside record_every"),
            ("last=[1, 2]", "at the top again"),
        ),
    )


def test_a_file_without_comments_has_no_help(tmp_path: Path):
    assert read_choice(written(tmp_path, "name: x\n")) == Choice("some_choice", "", ())


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_offers_its_files_in_order(group: str, here: Path):
    files = sorted(path.stem for path in (data_root() / "conf" / group).glob("*.yaml"))
    assert [choice.name for choice in choices(group)] == files
    assert files


@pytest.mark.parametrize("group", GROUPS)
def test_the_keys_shown_are_keys_of_the_file_with_its_values(group: str):
    for choice in choices(group):
        document = yaml.safe_load(
            (data_root() / "conf" / group / f"{choice.name}.yaml").read_text()
        )
        for key, text in choice.keys:
            dotted, _, value = key.partition("=")
            node = document
            for part in dotted.split("."):
                node = node[part]
            assert text
            assert not value or yaml.safe_load(value) == node


def test_sweeps_of_the_working_folder_stand_beside_those_of_the_program(here: Path):
    shipped = [choice.name for choice in choices("sweep")]
    assert "smoke" in shipped
    (here / "sweeps").mkdir()
    (here / "sweeps" / "mine.yaml").write_text("# My sweep.\n")
    (here / "sweeps" / "smoke.yaml").write_text("# My own smoke.\n")
    offered = {choice.name: choice.help for choice in choices("sweep")}
    assert sorted(offered) == sorted([*shipped, "mine"])
    assert offered["mine"] == "My sweep."
    assert offered["smoke"] == "My own smoke."  # as sweep=smoke would take it


def test_without_a_group_every_choice_of_every_group_is_printed(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    show([])
    printed = capsys.readouterr().out
    for group in (*GROUPS, "sweep"):
        for choice in choices(group):
            assert f"{group}={choice.name}" in printed
            assert choice.help in printed
    assert "temperature" not in printed
    assert "vaerun list GROUP" in printed


def test_with_groups_only_they_are_printed_with_their_settings(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    show(["prior", "likelihood"])
    printed = capsys.readouterr().out
    for group in ("prior", "likelihood"):
        for choice in choices(group):
            for key, text in choice.keys:
                assert key in printed
                assert text in printed
    assert "objective=" not in printed


def test_settings_that_look_like_markup_are_printed_as_they_are(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    show(["architecture"])
    assert "widths=[400, 200]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("objectve", "did you mean 'objective'?"),
        ("sweeps", "did you mean 'sweep'?"),
        ("xqzjw", f"groups: {', '.join((*GROUPS, 'sweep', *GRID_GROUPS))}"),
    ],
)
def test_an_unknown_group_is_refused(word: str, hint: str):
    with pytest.raises(UsageError) as refused:
        show([word])
    assert refused.value.message == f"unknown group '{word}'"
    assert refused.value.hint == hint
