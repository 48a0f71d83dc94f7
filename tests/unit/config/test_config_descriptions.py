"""What the comments of YAML files say of choices and settings."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from runner.config import GROUPS, data_root
from runner.config.descriptions import (
    Choice,
    choices,
    read_choice,
    settings_of_choice,
    shared_settings,
    within,
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
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
        is_global=True,
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


def test_shared_settings_have_their_sections_and_none_of_hydra_s():
    found = {setting.key: setting for setting in shared_settings()}
    assert found["training.record_every"].default == "50"
    assert found["training"].default == ""
    assert found["training"].help
    assert not [key for key in found if key.startswith("hydra")]


def test_settings_of_a_choice_are_named_in_full():
    (mixture,) = (choice for choice in choices("prior") if choice.name == "mixture")
    keys = [setting.key for setting in settings_of_choice("prior", mixture)]
    assert {"prior.components", "prior.dimensions"} <= set(keys)
    (pinwheel,) = (choice for choice in choices("dataset") if choice.name == "pinwheel")
    keys = [setting.key for setting in settings_of_choice("dataset", pinwheel)]
    assert keys == ["dataset.name", "likelihood.mean"]


def test_a_section_holds_what_is_beneath_it_and_not_what_begins_alike():
    keys = [setting.key for setting in within(shared_settings(), "objective.penalties.mmd")]
    assert keys[0] == "objective.penalties.mmd"
    assert "objective.penalties.mmd.kernel" in keys
    assert [s.key for s in within(shared_settings(), "step")] == []
